"""Large tables beside the archive: copied in ranges of their blocks, and put together again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from skill_server.backends.postgres.backup import archive, splitting
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.connection import Connections
from skill_server.errors import Failed
from skill_server.model.names import NameMap
from tests.contract.postgres.hard import (
    EVERY_TABLE,
    GRANTED,
    SURVIVORS,
    UNGRANTED,
    answers,
    note_of,
    taken_in_parts,
)
from tests.contract.postgres.sample import (
    execute,
    filled,
    fingerprint_of,
    private,
    scratch_copy,
    sums,
    value,
)
from tests.contract.postgres.test_dump import file_size_limit


@pytest.mark.parametrize("large_bytes", [splitting.LARGE_BYTES, EVERY_TABLE], ids=["archive", "parts"])
async def test_everything_that_a_database_holds_comes_back(
    postgres_database: str, tmp_path: Path, large_bytes: int
) -> None:
    """Rows are the smaller half of it: each of these was lost by some tool once."""
    connections, place = await filled(postgres_database), private(tmp_path)
    role = f"{connections.database[:40]}_reader"
    await execute(postgres_database, SURVIVORS + GRANTED.format(role=role))
    try:
        taken = await dump(connections, NameMap(), place, large_bytes=large_bytes)

        async with scratch_copy(connections) as copy:
            await load(copy, place)
            assert await sums(copy) == taken.checksums
            assert await fingerprint_of(copy) == taken.fingerprint
            assert await answers(copy) == await answers(connections)
    finally:
        await execute(postgres_database, UNGRANTED.format(role=role))

    note = note_of(place)
    assert (note.owners, note.grantees, note.bound) == (
        (await value(postgres_database, "SELECT current_user"),),
        (role,),
        (role,),
    )
    assert [name.partition(" ")[0] for name in note.extensions] == ["citext", "plpgsql"]
    split = {(part.schema_name, part.table) for part in note.parts}
    wanted = {("public", name) for name in ("people", "visits", "parts_b", "child", "log")} | {
        ("side", "notes")
    }
    assert wanted <= split if large_bytes == EVERY_TABLE else not split


async def test_a_name_that_looks_like_a_pattern_takes_no_other_table_out(
    postgres_database: str, tmp_path: Path
) -> None:
    """pg_dump reads names of tables as patterns, and what one matches too much is lost."""
    connections, place = Connections(postgres_database), private(tmp_path)
    large = ["st*", "q?", "a.b", 'quo"te', "Mixed", "sp ace", "$1|x", "[ab]", "ünï", "back\\slash", "(x)"]
    small = ["star", "qq", "a", "quote", "mixed", "sp", "$1", "b", "uni", "backslash", "x", "b.a"]
    for schema in ('"Od.d"', "public"):
        await execute(postgres_database, f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for rows, names in ((2000, large), (1, small)):
            for name in names:
                quoted = name.replace('"', '""')
                await execute(
                    postgres_database,
                    f'CREATE TABLE {schema}."{quoted}" AS SELECT i FROM generate_series(1, {rows}) AS i',
                )
    taken = await dump(connections, NameMap(), place, large_bytes=65_536)

    assert {part.table for part in note_of(place).parts} == set(large)
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums


async def test_ranges_of_one_table_are_of_one_moment_and_none_is_read_twice(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows move to other blocks while they are written, which only the shared snapshot hides."""
    monkeypatch.setattr(splitting, "_PIECE_BYTES", 32_768)
    connections, place = await filled(postgres_database), private(tmp_path)
    stop, written = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        writer = await asyncpg.connect(postgres_database)
        try:
            while not stop.is_set():
                await writer.execute(
                    "UPDATE items SET amount = amount + 1 WHERE id % 3 = 0; DELETE FROM items WHERE id = 2000;"
                    "INSERT INTO items (id) VALUES (2000)"
                )
                written.set()
        finally:
            await writer.close()

    writing = asyncio.create_task(write())
    try:
        await asyncio.wait_for(written.wait(), 20)
        taken = await dump(connections, NameMap(), place, large_bytes=EVERY_TABLE)
    finally:
        stop.set()
        await writing

    assert await sums(connections) != taken.checksums
    pieces = [part for part in note_of(place).parts if part.table == "items"]
    assert len(pieces) > 2
    assert sum(part.records for part in pieces) == taken.checksums.entities["items"].records == 2000
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums


async def test_the_result_tells_moment_sizes_and_files(postgres_database: str, tmp_path: Path) -> None:
    """The manifest, and later the question what was written since, are made of it."""
    connections, place = await filled(postgres_database), private(tmp_path)
    before = await value(postgres_database, "SELECT clock_timestamp()")
    taken = await taken_in_parts(connections, place)

    assert taken.moment is not None
    assert before < taken.moment < await value(postgres_database, "SELECT clock_timestamp()")
    assert taken.sizes["items"] == await value(postgres_database, "SELECT pg_total_relation_size('items')")
    assert taken.sizes["parts"] == await value(
        postgres_database, "SELECT pg_total_relation_size('parts_a') + pg_total_relation_size('parts_b')"
    )
    assert taken.sizes.keys() | {"pg_largeobject"} == taken.checksums.entities.keys()
    assert int(taken.since["xmin"]) <= int(taken.since["xmax"])
    assert taken.since["system"] == await value(
        postgres_database, "SELECT system_identifier::text FROM pg_control_system()"
    )
    assert json.loads(taken.model_dump_json())["since"] == taken.since
    for part in taken.parts:
        assert archive.part(part.name, (place / part.name).read_bytes()).sha256 == part.sha256
        assert (place / part.name).stat().st_mode & 0o777 == 0o600
    assert {part.name for part in taken.parts} == {file.name for file in place.iterdir()}
    counted = sum(part.records or 0 for part in taken.parts)
    assert counted == sum(entity.records for entity in taken.checksums.entities.values())


@pytest.mark.parametrize("how", ["killed", "full", "cancelled"])
async def test_a_copier_that_fails_takes_the_others_and_all_files_along(
    postgres_database: str, tmp_path: Path, how: str
) -> None:
    """Parts that were whole before the failure are no backup either."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await execute(
        postgres_database,
        "CREATE TABLE big AS SELECT md5(i::text) || md5((-i)::text) AS t FROM generate_series(1, 60000) i",
    )
    reached = asyncio.Event()

    async def strike(_done: float, _total: float | None, _message: str) -> None:
        if reached.is_set():
            return
        reached.set()
        if how == "killed":
            await execute(
                postgres_database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'database-migration backup' AND query LIKE 'COPY%'",
            )
        elif how == "cancelled":
            task.cancel()

    with file_size_limit(300_000 if how == "full" else 1 << 30):
        task = asyncio.create_task(dump(connections, NameMap(), place, strike, large_bytes=EVERY_TABLE))
        with pytest.raises((Failed, asyncio.CancelledError)) as failure:
            await task

    codes = {"killed": "connection-lost", "full": "backup-no-space", "cancelled": None}
    assert getattr(failure.value, "code", None) == codes[how]
    assert list(place.iterdir()) == []
    await execute(postgres_database, "SET lock_timeout = '10s'; TRUNCATE items, big")


async def test_a_table_that_its_owner_may_not_fill_stays_in_the_archive(
    postgres_database: str, tmp_path: Path
) -> None:
    """In sections privileges come before the rows, and would keep the restoring owner out."""
    connections, place = await filled(postgres_database), private(tmp_path)
    role = f"{connections.database[:40]}_owner"
    await execute(
        postgres_database,
        f'CREATE ROLE "{role}"; ALTER TABLE log OWNER TO "{role}"; REVOKE INSERT ON log FROM "{role}"',
    )
    try:
        await taken_in_parts(connections, place)
        assert note_of(place).parts == ()
    finally:
        await execute(postgres_database, f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')
