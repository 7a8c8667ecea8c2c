"""What would stop a replacement of a database, found out while nothing has happened."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from skill_server.backends.postgres import aside, replaceable, surroundings
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.dump import dump
from skill_server.backends.postgres.load import load
from skill_server.backends.postgres.replace import replace_with
from skill_server.errors import Refused
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import execute, filled, private, scratch_copy


@pytest_asyncio.fixture(loop_scope="session")
async def live(postgres_database: str) -> AsyncIterator[Connections]:
    """The way to a filled database; whatever replaced it is dropped afterwards."""
    connections = await filled(postgres_database)
    yield connections
    async with connections.maintenance(purpose="test") as connection:
        for row in await connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
            f"{connections.database}_replaced_",
        ):
            await connection.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')


@pytest_asyncio.fixture(loop_scope="session")
async def copy(live: Connections, tmp_path: Path) -> AsyncIterator[Connections]:
    """The way to a restored copy of the live database."""
    place = private(tmp_path)
    await dump(live, NameMap(), place)
    async with scratch_copy(live) as restored:
        await load(restored, place)
        yield restored


@pytest.fixture
def role(live: Connections) -> str:
    """The name of a role of this test alone."""
    return f"plain_{live.database[-12:]}"


async def test_a_role_that_may_not_rename_or_end_sessions_is_refused_beforehand(
    postgres_database: str, live: Connections, role: str
) -> None:
    """MongoDB may be switched by the time a missing right shows."""
    name = live.database
    await execute(postgres_database, f"CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'x'")
    parts = urlsplit(postgres_database)
    as_role = Connections(urlunsplit(parts._replace(netloc=f"{role}:x@{parts.netloc.rpartition('@')[2]}")))
    try:
        with pytest.raises(Refused, match="may not rename") as unowned:
            await replaceable.require_replaceable(as_role)
        await execute(postgres_database, f'ALTER DATABASE "{name}" OWNER TO {role}')
        await replaceable.require_replaceable(as_role)
        other = await asyncpg.connect(postgres_database)
        with pytest.raises(Refused, match="may not end the sessions") as in_use:
            await replaceable.require_replaceable(as_role)
        await other.close()
        await execute(postgres_database, f"ALTER ROLE {role} NOCREATEDB")
        with pytest.raises(Refused) as without:
            await replaceable.require_replaceable(as_role)
    finally:
        await execute(postgres_database, f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER; DROP ROLE {role}')

    assert (unowned.value.code, without.value.code) == (
        "database-not-replaceable",
        "database-not-replaceable",
    )
    assert in_use.value.code == "database-in-use"


async def test_settings_that_the_role_may_not_give_are_found_out_beforehand(
    postgres_database: str, live: Connections, copy: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are given in a transaction that is taken back, so that the copy stays as it was."""
    await execute(postgres_database, f"ALTER DATABASE \"{live.database}\" SET work_mem TO '7MB'")
    await replaceable.require_replaceable(live, copy.database)
    async with live.maintenance(purpose="test") as connection:
        assert (await surroundings.Surroundings.read(connection, copy.database)).settings == ()

    async def forbidden(*_arguments: object) -> None:
        raise asyncpg.InsufficientPrivilegeError("permission denied to set parameter")

    monkeypatch.setattr(surroundings.Surroundings, "give", forbidden)
    with pytest.raises(Refused, match="permission denied to set parameter") as refusal:
        await replaceable.require_replaceable(live, copy.database)
    assert refusal.value.code == "database-not-replaceable"


async def test_what_was_put_aside_is_listed_until_it_is_dropped(live: Connections, copy: Connections) -> None:
    """Otherwise nobody would remember how much room old content takes."""
    assert await aside.replaced(live) == ()

    old = await replace_with(live, copy.database)

    (found,) = await aside.replaced(live)
    assert found.name == old
    assert found.size_bytes > 0
