"""Writing a backup through the driver: raw documents into MongoDB's own dump layout, hashed and summed as they pass."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skill_server.backends.base import Progress, no_progress
from skill_server.backends.mongo import layout
from skill_server.backends.mongo.checksum import Tally, checksums, entity_of
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.durable import (
    PRIVATE_DIRECTORY,
    StoredFile,
    out_of_space,
    require_space,
    sealed_name,
    sync_directory,
    write_small,
)
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.inspect import fingerprint as fingerprint_of
from skill_server.backends.mongo.listing import Collection, listing
from skill_server.backends.mongo.reading import SnapshotLost, in_thread, read_whole, snapshot_session
from skill_server.backends.sealing import Seal
from skill_server.errors import Refused
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.receipt import Checksums, DumpResult, FieldChecksums

DUMP_ATTEMPTS = 3
IN_SNAPSHOT = "MongoDB driver, one snapshot session"
QUIET = "MongoDB driver, two equal reads of a quiet database"
NOT_POINT_IN_TIME = "MongoDB driver, not point in time: the database was written to while it was read"


async def dump(
    connections: Connections,
    names: NameMap,
    directory: Path,
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
) -> DumpResult:
    """Write everything but the product's own collections below an existing private directory, encrypted with a seal.

    One moment is promised where a snapshot session proves that it isolates, or where reading everything a second time
    finds the same content, which then stood still in between.

    Raises:
        Refused: too little space is free (`backup-no-space`), or the directory holds a dump (`backup-exists`).
        Failed: the disk filled up (`backup-no-space`) or the server gave up a cursor every time (`cursor-lost`).
            Nothing of the dump is left.
    """
    with wrapped("asking for the size of the database"):
        size = await connections.db().command("dbStats")
    # The server's files are compressed with a faster method than gzip, so they bound the dump from above.
    require_space(directory, int(min(size["dataSize"], size["storageSize"])))
    root = directory / layout.FOLDER
    listed = sealed_name(directory / layout.LIST_FILE, seal)
    if root.exists() or root.is_symlink() or listed.exists():
        raise Refused(
            "backup-exists",
            f"{layout.FOLDER} is already in the directory of the backup",
            help="Back up into a new directory.",
        )
    try:
        with out_of_space():
            return await _Dump(connections, names, directory, progress, seal).write()
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        listed.unlink(missing_ok=True)
        raise


@dataclass
class _Open:
    """A data file being written, with the sums of what went into it."""

    file: StoredFile
    tally: Tally

    def take(self, batch: bytes) -> None:
        self.tally.add_batch(batch)
        self.file.write(batch)


class _Dump:
    """One run of `dump`: what has been written so far, by collection."""

    def __init__(
        self,
        connections: Connections,
        names: NameMap,
        directory: Path,
        progress: Progress,
        seal: Seal | None,
    ) -> None:
        self._seal = seal
        self._connections = connections
        self._names = names
        self._directory = directory
        self._folder = directory / layout.FOLDER / connections.database
        self._progress = progress
        self._written: dict[str, layout.DumpedCollection] = {}
        self._metadata: dict[str, bytes] = {}
        self._sums: dict[str, FieldChecksums] = {}
        self._total: float | None = None
        self._done = 0

    async def write(self) -> DumpResult:
        (self._directory / layout.FOLDER).mkdir(mode=PRIVATE_DIRECTORY)
        self._folder.mkdir(mode=PRIVATE_DIRECTORY)
        try:
            async with snapshot_session(self._connections) as session:
                tool, fingerprint = (
                    await self._write_once(session) if session is not None else await self._write_twice()
                )
        except SnapshotLost:
            self._clear()
            tool, fingerprint = await self._write_twice()
        return await self._finished(tool, fingerprint)

    async def _write_once(self, session: Any) -> tuple[str, str]:
        """Write all collections in a snapshot; the schema is outside of it and must stay the same."""
        found, fingerprint = await self._schema()
        await self._forecast(found)
        for item in found:
            await self._write_collection(item, session)
        # Compared with UUIDs: a collection dropped and made again would be missing in the snapshot.
        unchanged = _described(await listing(self._connections)) == _described(found)
        return (IN_SNAPSHOT if unchanged else NOT_POINT_IN_TIME), fingerprint

    async def _write_twice(self) -> tuple[str, str]:
        """Write all collections, read them again, and write anew those that changed meanwhile."""
        fingerprint = ""
        for attempt in range(1, DUMP_ATTEMPTS + 1):
            found, fingerprint = await self._schema()
            await self._forecast(found)
            self._forget_all_but(found)
            for item in found:
                if item.name not in self._written:
                    await self._write_collection(item, None)
            again = await checksums(self._connections, self._names)
            changed = {
                item.name
                for item in found
                if item.holds_documents
                and again.entities.get(entity_of(item.name, self._names)) != self._sums[item.name]
            }
            if not changed and _described(await listing(self._connections)) == _described(found):
                return QUIET, fingerprint
            for name in changed if attempt < DUMP_ATTEMPTS else ():
                self._forget(name)
        return NOT_POINT_IN_TIME, fingerprint

    async def _schema(self) -> tuple[tuple[Collection, ...], str]:
        found = await listing(self._connections)
        return found, fingerprint_of(found)

    async def _forecast(self, found: tuple[Collection, ...]) -> None:
        with wrapped("counting documents"):
            counts = [
                await self._connections.db()[item.name].estimated_document_count()
                for item in found
                if item.holds_documents
            ]
        self._total, self._done = float(sum(counts)), 0

    async def _write_collection(self, item: Collection, session: Any) -> None:
        stem = layout.file_stem(item.name)
        metadata = write_small(
            self._folder / f"{stem}.metadata.json.gz",
            layout.metadata_json(item),
            self._directory,
            self._seal,
        )
        content = None
        if item.holds_documents:
            done_before = self._done
            nested = self._names.nested_fields(entity_of(item.name, self._names), BackendKind.MONGODB)

            def begin() -> _Open:
                self._done = done_before
                return _Open(StoredFile(self._folder / f"{stem}.bson.gz", self._seal), Tally(nested))

            async def take(target: _Open, batch: bytes) -> None:
                records = target.tally.records
                await in_thread(target.take, batch)
                self._done += target.tally.records - records
                await self._progress(self._done, self._total, f"{self._done} documents backed up")

            target = await read_whole(
                self._connections,
                item.name,
                begin,
                take,
                session=session,
                abandon=lambda target: target.file.discard(),
            )
            try:
                content = await asyncio.to_thread(
                    target.file.finish, self._directory, records=target.tally.records
                )
            except BaseException:
                target.file.discard()
                raise
            self._sums[item.name] = target.tally.result(entity_of(item.name, self._names), self._names)
        self._metadata[item.name] = layout.metadata_json(item)
        self._written[item.name] = layout.DumpedCollection(
            name=item.name,
            kind=item.kind,
            described=layout.exact(item),
            metadata=metadata,
            content=content,
        )

    async def _finished(self, tool: str, fingerprint: str) -> DumpResult:
        with wrapped("asking for the version of the server"):
            version = str((await self._connections.client().admin.command("buildInfo"))["version"])
        prelude = write_small(
            self._directory / layout.FOLDER / layout.PRELUDE_FILE,
            layout.prelude_json(version),
            self._directory,
            self._seal,
        )
        listed = layout.DumpList(
            database=self._connections.database,
            server_version=version,
            prelude=prelude,
            collections=tuple(self._written[name] for name in sorted(self._written)),
        ).sealed()
        part = await asyncio.to_thread(
            write_small,
            self._directory / layout.LIST_FILE,
            listed.model_dump_json(indent=1).encode(),
            self._directory,
            self._seal,
        )
        sync_directory(self._directory)
        sums = {entity_of(name, self._names): found for name, found in self._sums.items()}
        return DumpResult(
            parts=(*listed.parts(), part),
            fingerprint=fingerprint,
            checksums=Checksums(entities=dict(sorted(sums.items()))),
            point_in_time=tool != NOT_POINT_IN_TIME,
            tool=tool,
        )

    def _forget_all_but(self, found: tuple[Collection, ...]) -> None:
        """Take off the list what is no longer described as it was when it was written."""
        described = _described(found)
        for name in list(self._written):
            if described.get(name) != self._metadata[name]:
                self._forget(name)

    def _forget(self, name: str) -> None:
        written = self._written.pop(name)
        self._sums.pop(name, None)
        for part in (written.metadata, written.content):
            if part is not None:
                with contextlib.suppress(FileNotFoundError):
                    (self._directory / part.name).unlink()

    def _clear(self) -> None:
        for name in list(self._written):
            self._forget(name)


def _described(found: tuple[Collection, ...]) -> dict[str, bytes]:
    """Return what is compared of each collection: as text, because equal mappings may differ in the order of keys."""
    return {item.name: layout.metadata_json(item) for item in found}
