"""Files of a backup that are not what was written: found by their hashes, and where those fit too, by the content."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from skill_server.application.session import Session
from skill_server.backup import take
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import Failed
from skill_server.model.ids import BackendKind
from tests.support.damage import Harm, document_cut, flipped, harmed, row_cut, unpacked
from tests.support.project import a_project
from tests.support.refusals import call

# More than the size from which the rows of a table leave the archive of pg_dump.
LARGE = "CREATE TABLE large AS SELECT i AS id, repeat(md5(i::text), 28) AS line FROM generate_series(1, 20000) AS i"
PG, MONGO = BackendKind.POSTGRES, BackendKind.MONGODB
ARCHIVE = "postgres.dump.zst"


@dataclass(frozen=True)
class Backup:
    """A backup that was taken and not proven yet."""

    session: Session
    directory: Path
    taken: BackupManifest

    async def prove(self, taken: BackupManifest | None = None) -> None:
        """Prove the backup, by its own manifest or another one."""
        await take.prove(self.session.pair, self.directory, taken or self.taken)

    def file(self, kind: BackendKind, name: str) -> Path:
        """Return a file of one half."""
        return self.directory / self.taken.label / kind / name

    def data(self, kind: BackendKind, entity: str) -> str:
        """Return the name of the file that holds the records of a collection, or of a large table."""
        ending = f"/{entity}.bson.gz" if kind is MONGO else ".copy.zst"
        return max(part.name for part in self.taken.dumps[kind].parts if part.name.endswith(ending))

    async def copies(self) -> list[str]:
        """Name the scratch databases that this target has on both servers."""
        mark = f"_{self.session.identity.ledger_id[:8]}_"
        return [name for backend in self.session.pair for name in await backend.scratch() if mark in name]


@pytest_asyncio.fixture(loop_scope="session")
async def backup(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Backup]:
    """A backup of a small project that has one large table."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await project.on_postgres(LARGE)
        await call(app, "detect_db_type")
        session = await app.session(None)
        directory = tmp_path / "backups"
        directory.mkdir(mode=0o700)
        taken = await take.take(session.pair, directory, session.identity, ())
        yield Backup(session, directory, taken)


def flip(path: Path) -> None:
    """Flip one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_in_half(path: Path) -> None:
    """Keep the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_at_a_border(path: Path) -> None:
    """Keep all but the last document, packed as a whole file."""
    path.write_bytes(gzip.compress(document_cut(unpacked(path)), 1))


def lose(path: Path) -> None:
    """Remove it."""
    path.unlink()


async def test_every_file_that_is_not_what_was_written_is_named_before_anything_is_restored(
    backup: Backup,
) -> None:
    """A dump that was cut, flipped, shortened between two records or lost is found by size and hash alone."""
    metadata = backup.data(MONGO, "item").replace(".bson.gz", ".metadata.json.gz")
    harms: list[tuple[BackendKind, str, Callable[[Path], None]]] = [
        *(
            (PG, name, harm)
            for name in (ARCHIVE, backup.data(PG, "large"))
            for harm in (flip, cut_in_half, lose)
        ),
        *((MONGO, backup.data(MONGO, "item"), harm) for harm in (flip, cut_in_half, cut_at_a_border, lose)),
        *((MONGO, metadata, harm) for harm in (flip, lose)),
    ]
    for kind, name, harm in harms:
        whole = backup.file(kind, name)
        kept = shutil.copy(whole, backup.directory / "kept")
        harm(whole)
        with pytest.raises(Failed) as failure:
            await backup.prove()
        shutil.copy(kept, whole)
        assert failure.value.code == "backup-damaged"
        assert name in failure.value.message
        assert await backup.copies() == []
    await backup.prove()


def packed_anew(content: bytes) -> bytes:
    """Return the same content."""
    return content


async def test_damage_to_which_every_hash_was_adapted_is_found_in_the_restored_content(
    backup: Backup,
) -> None:
    """One bit, one row and one document: restored without a word, and named by the comparison at their field."""
    large, item = backup.data(PG, "large"), backup.data(MONGO, "item")
    damages: list[tuple[BackendKind, str, Harm, int, str]] = [
        (PG, ARCHIVE, flipped(b"hammer 8"), 0, "postgres items.ItemName"),
        (PG, large, flipped(b"19999\t64ce46"), 0, "postgres large.line"),
        (PG, large, row_cut, 1, "postgres large"),
        (MONGO, item, flipped(b"hammer 8"), 0, "mongodb items.ItemName"),
        (MONGO, item, document_cut, 1, "mongodb items"),
    ]
    originals = shutil.copytree(backup.directory / backup.taken.label, backup.directory / "kept")
    for kind, name, harm, lost, named in damages:
        adapted = harmed(backup.taken, backup.directory, kind, name, harm, lost=lost)
        with pytest.raises(Failed) as failure:
            await backup.prove(adapted)
        assert failure.value.code == "backup-not-restorable", failure.value.message
        assert named in failure.value.message
        assert await backup.copies() == []
        shutil.copytree(originals, backup.directory / backup.taken.label, dirs_exist_ok=True)
    # The way of adapting is not itself what was found.
    same = harmed(backup.taken, backup.directory, PG, ARCHIVE, packed_anew)
    same = harmed(same, backup.directory, PG, large, packed_anew)
    await backup.prove(harmed(same, backup.directory, MONGO, item, packed_anew))


async def test_what_does_not_come_out_of_a_dump_as_it_went_in_is_named(backup: Backup) -> None:
    """Another try would end the same way, so the message has to say what stands in the way of every backup."""
    pair = backup.session.pair
    connection = await asyncpg.connect(pair[PG].url())
    try:
        # pg_dump leaves the table to its extension, which knows nothing of it or its index.
        await connection.execute(
            "CREATE EXTENSION citext; CREATE TABLE stray (a int); ALTER EXTENSION citext ADD TABLE stray;"
            f'CREATE INDEX "of\u202estray" ON stray (a) WHERE a > 1 AND a < 2{" AND a > 3" * 90}'
        )
    finally:
        await connection.close()
    taken = await take.take(pair, backup.directory, backup.session.identity, ())
    with pytest.raises(Failed) as failure:
        await take.prove(pair, backup.directory, taken)

    assert failure.value.code == "backup-not-restorable"
    assert "postgres: indexes" in failure.value.message
    assert "of\\u202estray" in failure.value.message
    assert "does not come back" in failure.value.message
    assert len(failure.value.message) < 600
    assert "disable or drop it" in str(failure.value.help)
    assert await backup.copies() == []


async def test_a_schema_that_was_changed_after_the_dump_is_told_as_that(backup: Backup) -> None:
    """Facts of a schema that moved on would accuse what comes out of a dump unharmed."""
    dumps = {
        kind: dump.model_copy(update={"fingerprint": "0" * 32}) if kind is MONGO else dump
        for kind, dump in backup.taken.dumps.items()
    }
    with pytest.raises(Failed) as failure:
        await backup.prove(backup.taken.model_copy(update={"dumps": dumps}))

    assert failure.value.message.endswith("mongodb: the schema was changed after it was dumped")
    assert "nobody changes the schema" in str(failure.value.help)


async def test_an_event_trigger_that_writes_into_every_copy_is_named(backup: Backup) -> None:
    """One that fires at each login writes before anything can be compared, however quiet the application is."""
    pair = backup.session.pair
    connection = await asyncpg.connect(pair[PG].url())
    try:
        if connection.get_server_version().major < 17:
            pytest.skip("triggers on logins came with PostgreSQL 17")
        await connection.execute(
            "CREATE TABLE logins (at timestamptz DEFAULT now());"
            "CREATE FUNCTION greet() RETURNS event_trigger LANGUAGE plpgsql AS "
            "$$BEGIN INSERT INTO public.logins DEFAULT VALUES; END$$;"
            "CREATE EVENT TRIGGER greeting ON login EXECUTE FUNCTION greet()"
        )
    finally:
        await connection.close()
    taken = await take.take(pair, backup.directory, backup.session.identity, ())
    with pytest.raises(Failed) as failure:
        await take.prove(pair, backup.directory, taken)

    assert "the event triggers greeting may have written into the copy" in failure.value.message
    assert "postgres logins: holds" in failure.value.message
    assert "disable" in str(failure.value.help)
