"""The files of one dump while it is made: what has been written so far, by collection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.backup.content_file import Sums, Taken, write_content
from skill_server.backends.mongo.backup.durable import PRIVATE_DIRECTORY, sync_directory, write_small
from skill_server.backends.mongo.backup.reading import Turns
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.listing import TIME_SERIES, Collection
from skill_server.backends.sealing import Seal
from skill_server.model.receipt import BackupPart


class DumpFiles:
    """Below a directory: a data file and a description of each collection, and the list that ends the dump."""

    def __init__(self, connections: Connections, directory: Path, seal: Seal | None) -> None:
        self._connections = connections
        self._directory = directory
        self._folder = directory / layout.FOLDER / connections.database
        self._seal = seal
        self._written: dict[str, layout.DumpedCollection] = {}
        self._described: dict[str, bytes] = {}

    def begin(self) -> None:
        """Make the private folders."""
        (self._directory / layout.FOLDER).mkdir(mode=PRIVATE_DIRECTORY)
        self._folder.mkdir(mode=PRIVATE_DIRECTORY)

    def __contains__(self, name: str) -> bool:
        """Tell whether a collection has been written."""
        return name in self._written

    async def write(
        self, item: Collection, sums: Callable[[], Sums], taken: Taken, turns: Turns
    ) -> Sums | None:
        """Write a collection in one read, and return what it adds up to; a view has a description alone."""
        stem = layout.file_stem(item.name)
        described = layout.metadata_json(item)
        content, found = None, None
        if item.holds_documents:
            folder = self._folder
            if item.kind == TIME_SERIES:
                folder /= layout.MEASUREMENTS
                folder.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
            content, found = await write_content(
                self._connections,
                item.name,
                folder / f"{stem}.bson.gz",
                self._directory,
                sums,
                taken,
                turns=turns,
                seal=self._seal,
            )
        # After the content, so that the next collection is read while this comes to the disk.
        metadata = await asyncio.to_thread(self._small, self._folder / f"{stem}.metadata.json.gz", described)
        self._described[item.name] = described
        self._written[item.name] = layout.DumpedCollection(
            name=item.name,
            kind=item.kind,
            described=layout.exact(item),
            metadata=metadata,
            content=content,
        )
        return found

    def forget(self, names: Iterable[str]) -> None:
        """Remove what was written of these collections."""
        for name in names:
            written = self._written.pop(name)
            for part in (written.metadata, written.content):
                if part is not None:
                    with contextlib.suppress(FileNotFoundError):
                        (self._directory / part.name).unlink()

    def outdated(self, found: Iterable[Collection]) -> list[str]:
        """Name what is no longer described as it was when it was written, or no longer there."""
        described = described_of(found)
        return [name for name in self._written if described.get(name) != self._described[name]]

    def names(self) -> list[str]:
        """Name what was written."""
        return list(self._written)

    async def finish(self) -> tuple[BackupPart, ...]:
        """Write the prelude and the list, which make the dump whole, and return every part."""
        with wrapped("asking for the version of the server"):
            version = str((await self._connections.client().admin.command("buildInfo"))["version"])
        prelude = await asyncio.to_thread(
            self._small,
            self._directory / layout.FOLDER / layout.PRELUDE_FILE,
            layout.prelude_json(version),
        )
        listed = layout.DumpList(
            database=self._connections.database,
            server_version=version,
            prelude=prelude,
            collections=tuple(self._written[name] for name in sorted(self._written)),
        ).sealed()
        # What the list names is on the disk before the list is.
        for folder in sorted({(self._directory / part.name).parent for part in listed.parts()}):
            await asyncio.to_thread(sync_directory, folder)
        part = await asyncio.to_thread(
            self._small, self._directory / layout.LIST_FILE, listed.model_dump_json(indent=1).encode()
        )
        await asyncio.to_thread(sync_directory, self._directory)
        return (*listed.parts(), part)

    def _small(self, path: Path, data: bytes) -> BackupPart:
        return write_small(path, data, self._directory, self._seal)


def described_of(found: Iterable[Collection]) -> dict[str, bytes]:
    """Return what is compared of each collection: as text, because equal mappings may differ in the order of keys."""
    return {item.name: layout.metadata_json(item) for item in found}
