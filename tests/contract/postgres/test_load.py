"""Restoring a PostgreSQL backup: all of it into a new scratch database, or nothing."""

from pathlib import Path

import pytest

from skill_server.backends.postgres.backup import archive, client_tools
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.backup.scratch import scratch
from skill_server.errors import Failed, Refused
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import (
    database_exists,
    execute,
    filled,
    fingerprint_of,
    private,
    scratch_copy,
    sums,
)


async def test_a_restored_backup_equals_its_source_in_schema_and_every_value(
    postgres_database: str, tmp_path: Path
) -> None:
    """This is what a backup is for; the ledger alone stays behind."""
    connections, place = await filled(postgres_database), private(tmp_path)
    taken = await dump(connections, NameMap(), place)

    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums == await sums(connections)
        assert await fingerprint_of(copy) == taken.fingerprint == await fingerprint_of(connections)
        async with copy.session(purpose="test") as connection:
            assert await connection.fetchval("SELECT to_regnamespace('database_migration')") is None
            assert (
                await connection.fetchval("SELECT lo_get(oid) FROM pg_largeobject_metadata")
                == b"a large object"
            )

    assert taken.point_in_time
    assert {part.name for part in taken.parts} == {archive.ARCHIVE, archive.NOTE}


@pytest.mark.parametrize("damage", ["flip", "cut", "swap", "missing", "note"])
async def test_a_damaged_backup_is_found_before_a_database_is_made(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """pg_restore alone takes a flipped bit without a word, and lists a file that was cut in half."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    file, note = place / archive.ARCHIVE, place / archive.NOTE
    content = bytearray(file.read_bytes())
    match damage:
        case "flip":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "swap":
            file.rename(place / "elsewhere")
            file.symlink_to(place / "elsewhere")
        case "missing":
            file.unlink()
        case _:
            note.write_text(note.read_text()[:-10])

    async def no_tools(_server: int, *, archive: int = 0) -> client_tools.ClientTools:
        raise AssertionError(f"looked for tools to restore an archive of {archive}")

    monkeypatch.setattr(client_tools, "find", no_tools)
    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            await load(copy, place)
        assert copy.database not in await scratch(copy)
        assert not await database_exists(connections, copy.database)

    assert failure.value.code == "backup-damaged"


async def test_a_damage_that_the_hash_was_adapted_to_is_found_while_restoring(
    postgres_database: str, tmp_path: Path
) -> None:
    """The second hash covers the plain content, so the unfinished database goes again."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    note = place / archive.NOTE
    told = archive.Note.model_validate_json(note.read_text())
    note.write_text(told.model_copy(update={"plain_sha256": "0" * 64}).model_dump_json())

    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            await load(copy, place)
        assert not await database_exists(connections, copy.database)

    assert failure.value.code == "backup-damaged"


async def test_a_backup_is_not_restored_over_a_database(postgres_database: str, tmp_path: Path) -> None:
    """Neither over the live one nor over a scratch database that holds something."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    with pytest.raises(Refused) as live:
        await load(connections, place)
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        before = await sums(copy)
        with pytest.raises(Refused) as again:
            await load(copy, place)
        assert await sums(copy) == before

    assert (live.value.code, again.value.code) == ("not-scratch", "database-exists")


async def test_a_dump_of_newer_tools_goes_into_the_server_all_the_same(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools since 17 set a parameter that older servers do not know."""
    connections, place = await filled(postgres_database), private(tmp_path)
    newest = await client_tools.find(18)

    async def find(server: int, *, archive: int = 0) -> client_tools.ClientTools:
        assert server <= newest.major
        return newest

    monkeypatch.setattr(client_tools, "find", find)
    taken = await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums

    assert taken.tool == f"pg_dump {newest.version}"


async def test_a_restore_that_fails_half_way_takes_its_database_with_it(
    postgres_database: str, tmp_path: Path
) -> None:
    """A row that the restored check refuses stands for every error of pg_restore."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await execute(
        postgres_database,
        "CREATE FUNCTION fits(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.items)';"
        "CREATE TABLE a_check (n int CHECK (fits(n))); INSERT INTO a_check VALUES (3)",
    )
    await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            # The rows of a_check come before those of items, so the check finds none there.
            await load(copy, place)
        assert not await database_exists(connections, copy.database)

    assert failure.value.code == "restore-failed"
