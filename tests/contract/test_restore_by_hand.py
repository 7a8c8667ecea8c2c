"""The commands of docs/backups.md, as they stand there: an encrypted backup comes back without this product."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application import backing_up, detecting
from skill_server.application.application import Application
from skill_server.backends.base import scratch_name
from skill_server.backends.postgres.backup import client_tools
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.connection import Connections
from skill_server.backup import keys
from skill_server.model.ids import BackendKind
from tests.contract.postgres.hard import EVERY_TABLE
from tests.contract.postgres.sample import execute, fingerprint_of
from tests.support.project import Project, a_project

PAGE = Path(__file__).parents[2] / "docs" / "backups.md"
# Where a machine has not the programs, the libraries that they share their formats with.
STAND_INS = {
    "age": """
import sys
from pathlib import Path
from pyrage import decrypt_file, x25519
_, _, _, key, _, opened, file = sys.argv
lines = [line for line in Path(key).read_text().splitlines() if not line.startswith("#")]
decrypt_file(file, opened, [x25519.Identity.from_str(line) for line in lines])
""",
    "zstd": """
import shutil, sys, zstandard
source = next(word for word in sys.argv[1:] if word.endswith(".zst"))
into = open(sys.argv[-1], "wb") if "-o" in sys.argv else sys.stdout.buffer
with open(source, "rb") as file:
    shutil.copyfileobj(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True), into)
into.flush()
""",
}


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Project, Application]]:
    """A project whose backups are encrypted, and hold every table beside the archive."""
    keys.create(tmp_path / "server" / "backup.key")
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "server" / "backup.key"))
    assert dump.__kwdefaults__
    monkeypatch.setitem(dump.__kwdefaults__, "large_bytes", EVERY_TABLE)
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as made:
        await detecting.detect_databases(made[1], None)
        yield made


def commands(number: int) -> str:
    """Return a block of commands of the page's section."""
    section = PAGE.read_text().partition("## Restore without this product")[2].partition("\n## ")[0]
    return section.split("```sh\n")[number + 1].partition("```")[0]


async def search_path(folder: Path, major: int) -> str:
    """Return a PATH with the client tools of the server, and stand-ins for programs that are not installed."""
    folder.mkdir()
    for name, source in STAND_INS.items():
        if shutil.which(name) is None:
            file = folder / name
            file.write_text(f"#!{sys.executable}\n{source}")
            file.chmod(0o700)
    tools = await client_tools.find(major)
    return os.pathsep.join([str(tools.folder), os.environ["PATH"], str(folder)])


async def test_the_commands_of_the_page_bring_back_every_value(
    place: tuple[Project, Application], tmp_path: Path
) -> None:
    """The day they are needed nothing of this product may be left, and nobody has the time to find an error in them."""
    project, app = place
    await project.on_postgres('CREATE TABLE "odd ""name" ("a b" int PRIMARY KEY, t text)')
    await project.on_postgres(
        """INSERT INTO "odd ""name" SELECT n, 'zeile ' || n FROM generate_series(1, 50) n"""
    )
    taken = (await backing_up.back_up(await app.session(None))).manifest
    restored = Connections(project.postgres_url).at(scratch_name("test", uuid.uuid4().hex[:8]))
    async with restored.maintenance(purpose="test") as connection:
        path = await search_path(tmp_path / "programs", connection.get_server_version().major)
    words = {
        ".database-migration/backups/LABEL": str(
            project.root / ".database-migration" / "backups" / taken.label
        ),
        "PLAIN": str(tmp_path / "plain"),
        "KEY_FILE": str(tmp_path / "server" / "backup.key"),
        "NEW_DATABASE": restored.database,
    }
    script = commands(0)
    for word, meant in words.items():
        assert word in script
        script = script.replace(word, meant)
    environment = {**restored.environment(), "PATH": path, "PGDATABASE": "postgres"}
    try:
        ended = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await ended.communicate()
        assert ended.returncode == 0, told.decode()
        postgres = (await app.session(None)).pair[BackendKind.POSTGRES].at(restored.database)
        expected = taken.dumps[BackendKind.POSTGRES]
        assert len(expected.parts) > len(expected.checksums.entities)
        assert await postgres.checksums() == expected.checksums
        assert await fingerprint_of(restored) == expected.fingerprint
    finally:
        await execute(project.postgres_url, f'DROP DATABASE IF EXISTS "{restored.database}" WITH (FORCE)')
    _require_plain(tmp_path / "plain" / "mongodb" / "mongodb")


def _require_plain(folder: Path) -> None:
    """Check that what mongorestore would read is there in the clear, under the names that it knows."""
    files = {file.name: file for file in folder.rglob("*") if file.is_file()}
    assert not [name for name in files if name.endswith(".age")]
    assert {"prelude.json.gz", "item.bson.gz", "item.metadata.json.gz"} <= files.keys()
    assert len(gzip.decompress(files["item.bson.gz"].read_bytes())) > 4
    assert b'"indexes"' in gzip.decompress(files["item.metadata.json.gz"].read_bytes())
