"""Writing the documents of one collection to a file, hashed and counted as they pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from skill_server.backends.mongo.backup.durable import StoredFile
from skill_server.backends.mongo.backup.reading import Turns, in_threads, read_whole
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import bson_walk
from skill_server.backends.mongo.verify.checksum import DIGEST_BYTES, Tally
from skill_server.backends.sealing import Seal
from skill_server.model.receipt import BackupPart

Taken = Callable[[int], Awaitable[None]]


@dataclass
class Whole:
    """Count, bytes and sum of whole documents, free of order: two reads of the same documents have equal ones.

    The sum is left out where nothing is compared with it.
    """

    records: int = 0
    size_bytes: int = 0
    total: int = 0
    summed: bool = True

    def add_batch(self, batch: bytes) -> None:
        """Add every document of a concatenation.

        Raises:
            Malformed: it is not BSON.
        """
        found = list(bson_walk.documents(batch))
        if self.summed:
            digests = (blake2b(document, digest_size=DIGEST_BYTES).digest() for document in found)
            self.total += sum(int.from_bytes(digest, "little") for digest in digests)
        self.records += len(found)
        self.size_bytes += len(batch)


@dataclass
class Sums:
    """What a read of a collection adds up: its whole documents, and with a tally each field."""

    whole: Whole = field(default_factory=Whole)
    tally: Tally | None = None

    def add_batch(self, batch: bytes) -> None:
        """Add every document of a concatenation."""
        self.whole.add_batch(batch)
        if self.tally is not None:
            self.tally.add_batch(batch)


@dataclass
class _Open:
    """A file being written, with the sums of what went into it."""

    file: StoredFile
    sums: Sums


async def write_content(
    connections: Connections,
    collection: str,
    path: Path,
    root: Path,
    sums: Callable[[], Sums],
    taken: Taken,
    *,
    turns: Turns | None = None,
    seal: Seal | None = None,
) -> tuple[BackupPart, Sums]:
    """Write a collection in one read, packed, encrypted with a seal and brought to the disk; tell `taken` the count.

    Raises:
        Failed, SnapshotLost: see `reading.read_whole`; nothing of the file is left.
    """

    async def take(target: _Open, batch: bytes) -> None:
        # Packing leaves the interpreter to others, so both get a processor of their own where there are two.
        await in_threads(batch, target.file.write, target.sums.add_batch)
        await taken(target.sums.whole.records)

    target = await read_whole(
        connections,
        collection,
        lambda: _Open(StoredFile(path, seal), sums()),
        take,
        turns=turns,
        abandon=lambda target: target.file.discard(),
    )
    try:
        part = await asyncio.to_thread(target.file.finish, root, records=target.sums.whole.records)
    except BaseException:
        target.file.discard()
        raise
    return part, target.sums


async def read_content(
    connections: Connections, collection: str, sums: Callable[[], Sums], taken: Taken, turns: Turns
) -> Sums:
    """Read a collection into sums alone.

    Raises:
        Failed: see `reading.read_whole`.
    """

    async def take(target: Sums, batch: bytes) -> None:
        await in_threads(batch, target.add_batch)
        await taken(target.whole.records)

    return await read_whole(connections, collection, sums, take, turns=turns)
