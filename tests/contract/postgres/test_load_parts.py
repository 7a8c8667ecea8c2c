"""Putting together a backup in parts: nothing of a damaged one stays, and its layout needs no program of ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import zstandard

from skill_server.backends.postgres.backup import archive, client_tools
from skill_server.backends.postgres.backup.load import load
from skill_server.errors import Failed
from tests.contract.postgres.hard import SURVIVORS, note_of, taken_in_parts
from tests.contract.postgres.sample import (
    database_exists,
    execute,
    filled,
    fingerprint_of,
    private,
    scratch_copy,
    sums,
)


@pytest.mark.parametrize("damage", ["flip", "missing", "adapted", "rows", "name"])
async def test_a_damaged_part_is_found_and_leaves_no_database(
    postgres_database: str, tmp_path: Path, damage: str
) -> None:
    """What the note says of a part is checked before, and what is inside of it while it is restored."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await taken_in_parts(connections, place)
    told = json.loads((place / archive.NOTE).read_text())
    part = told["parts"][0]
    file = place / part["name"]
    match damage:
        case "flip":
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "missing":
            file.unlink()
        case "adapted":
            part["plain_sha256"] = "0" * 64
        case "rows":
            part["records"] += 1
        case _:
            part["name"] = "../elsewhere"
    (place / archive.NOTE).write_text(json.dumps(told))

    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            await load(copy, place)
        assert not await database_exists(connections, copy.database)

    assert failure.value.code == "backup-damaged"


async def test_rows_that_the_restored_table_refuses_take_the_database_along(
    postgres_database: str, tmp_path: Path
) -> None:
    """A check that reads other tables holds on the source and fails on an empty copy."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await execute(
        postgres_database,
        "CREATE TABLE note (n int); CREATE TABLE checked (n int); INSERT INTO checked VALUES (3);"
        "CREATE FUNCTION fits(int) RETURNS bool LANGUAGE sql AS $$SELECT to_regclass('public.late') IS NOT NULL$$;"
        "CREATE VIEW late AS SELECT 1 AS one; ALTER TABLE checked ADD CHECK (fits(n)); DROP VIEW late",
    )
    await taken_in_parts(connections, place)
    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            await load(copy, place)
        assert not await database_exists(connections, copy.database)

    assert failure.value.code == "restore-failed"
    assert "public.checked" in failure.value.message


async def test_a_backup_in_parts_can_be_restored_without_this_program(
    postgres_database: str, tmp_path: Path
) -> None:
    """The way of the layout's documentation, with the server's own tools alone."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await execute(postgres_database, SURVIVORS)
    taken = await taken_in_parts(connections, place)
    note = note_of(place)
    tools = await client_tools.find(note.tool_major)
    psql = tools.folder / "psql"

    async with scratch_copy(connections) as copy:
        await execute(postgres_database, f'CREATE DATABASE "{copy.database}" TEMPLATE template0')
        try:
            environment = {**copy.environment(), "PGCLIENTENCODING": note.encoding}

            def run(program: Path, *arguments: str, fed: bytes = b"") -> None:
                subprocess.run([program, *arguments], env=environment, input=fed, check=True)

            def plain(name: str) -> bytes:
                return zstandard.ZstdDecompressor().decompressobj().decompress((place / name).read_bytes())

            (tmp_path / "archive").write_bytes(plain(archive.ARCHIVE))
            for section in ("pre-data", "data", "post-data"):
                run(tools.restore, f"--section={section}", "-d", copy.database, str(tmp_path / "archive"))
                for part in note.parts if section == "data" else ():
                    columns = ", ".join(f'"{column}"' for column in part.columns)
                    target = f'"{part.schema_name}"."{part.table}"'
                    run(psql, "-qc", f"COPY {target} ({columns}) FROM STDIN", fed=plain(part.name))
            assert await sums(copy) == taken.checksums
            assert await fingerprint_of(copy) == taken.fingerprint
        finally:
            await execute(postgres_database, f'DROP DATABASE "{copy.database}" WITH (FORCE)')
