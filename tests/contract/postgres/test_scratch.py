"""Scratch databases on PostgreSQL: copies of copies, and the only databases that are ever dropped."""

from pathlib import Path

import asyncpg
import pytest

from skill_server.backends.base import SCRATCH_PREFIX
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.backup.scratch import copy_from, drop, keep_as_template, scratch
from skill_server.backends.postgres.connection import Connections
from skill_server.errors import Refused
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import execute, filled, private, scratch_copy, sums, value


async def names(url: str) -> list[str]:
    """Name the databases of the server."""
    found: list[str] = await value(url, "SELECT array_agg(datname::text) FROM pg_database")
    return found


async def test_a_copy_of_a_copy_holds_the_same_and_is_scratch_itself(
    postgres_database: str, tmp_path: Path
) -> None:
    """The backup is restored once and copied for every rehearsal."""
    connections, place = await filled(postgres_database), private(tmp_path)
    taken = await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as first, scratch_copy(connections) as second:
        await load(first, place)
        await copy_from(second, first.database)
        await execute(postgres_database, "TRUNCATE items")

        assert await sums(second) == taken.checksums
        assert {first.database, second.database} <= set(await scratch(connections))
        await drop(second)
        assert second.database not in await names(postgres_database)
        assert await sums(first) == taken.checksums


async def test_the_live_database_is_never_dropped(postgres_database: str) -> None:
    """The one call that deletes a database asks for two proofs."""
    connections = await filled(postgres_database)
    with pytest.raises(Refused) as refusal:
        await drop(connections)

    assert refusal.value.code == "not-scratch"
    assert (await sums(connections)).entities["items"].records == 2000


@pytest.mark.parametrize("comment", [None, "scratch", "{", "[]", '{"scratch": "another"}', "stolen"])
async def test_a_database_with_the_prefix_but_without_its_own_mark_is_left_alone(
    postgres_database: str, tmp_path: Path, comment: str | None
) -> None:
    """Somebody else may use such a name, or rename a database to it, or copy a comment."""
    connections = Connections(postgres_database)
    async with scratch_copy(connections) as marked:
        place = private(tmp_path)
        await dump(connections, NameMap(), place)
        await load(marked, place)
        if comment == "stolen":
            comment = await value(
                postgres_database,
                f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{marked.database}'",
            )
            assert comment
        other = f"{SCRATCH_PREFIX}other_{connections.database[-8:]}"
        await execute(postgres_database, f'CREATE DATABASE "{other}"')
        try:
            if comment:
                await execute(postgres_database, f"COMMENT ON DATABASE \"{other}\" IS '{comment}'")
            with pytest.raises(Refused) as refusal:
                await drop(connections.at(other))
            assert other in await names(postgres_database)
            assert other not in await scratch(connections)
        finally:
            await execute(postgres_database, f'DROP DATABASE "{other}"')

    assert refusal.value.code == "not-scratch"


async def test_a_drop_ends_the_sessions_and_may_be_repeated(postgres_database: str, tmp_path: Path) -> None:
    """A rehearsal that broke may have left a session behind."""
    connections, place = Connections(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        forgotten = await asyncpg.connect(postgres_database.rpartition("/")[0] + "/" + copy.database)
        await execute(postgres_database, f'ALTER DATABASE "{copy.database}" IS_TEMPLATE true')
        try:
            await drop(copy)
            await drop(copy)
        finally:
            forgotten.terminate()

        assert copy.database not in await names(postgres_database)


async def test_the_live_database_is_not_a_template(postgres_database: str) -> None:
    """Copying it would lock every new connection out for the length of the copy."""
    connections = await filled(postgres_database)
    async with scratch_copy(connections) as copy:
        with pytest.raises(Refused) as refusal:
            await copy_from(copy, connections.database)
        assert copy.database not in await names(postgres_database)

    assert refusal.value.code == "not-scratch"


async def test_a_template_in_use_and_a_name_in_use_are_refused(
    postgres_database: str, tmp_path: Path
) -> None:
    """Both are said at once, and both leave everything as it was."""
    connections, place = Connections(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as first, scratch_copy(connections) as second:
        await load(first, place)
        async with first.session(purpose="test"):
            with pytest.raises(Refused) as used:
                await copy_from(second, first.database)
        await copy_from(second, first.database)
        with pytest.raises(Refused) as there:
            await copy_from(second, first.database)

    assert (used.value.code, there.value.code) == ("template-in-use", "database-exists")


@pytest.mark.parametrize("gently", [False, True])
async def test_a_kept_template_lets_nobody_in_and_is_copied_and_dropped_all_the_same(
    postgres_database: str, tmp_path: Path, gently: bool
) -> None:
    """Somebody who looks into the template would stop every copy of it, and who writes there spoils the proof."""
    connections, place = await filled(postgres_database), private(tmp_path)
    taken = await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as first, scratch_copy(connections) as second:
        await load(first, place)
        await keep_as_template(first)
        with pytest.raises(asyncpg.PostgresError, match="not currently accepting connections"):
            await execute(f"{postgres_database.rpartition('/')[0]}/{first.database}", "SELECT 1")
        await copy_from(second, first.database, gently=gently)

        assert await sums(second) == taken.checksums
        await drop(first)
        assert first.database not in await names(postgres_database)


async def test_only_a_scratch_database_is_closed_to_everybody(postgres_database: str) -> None:
    """The live database would be down."""
    with pytest.raises(Refused) as refusal:
        await keep_as_template(Connections(postgres_database))

    assert refusal.value.code == "not-scratch"
    await execute(postgres_database, "SELECT 1")
