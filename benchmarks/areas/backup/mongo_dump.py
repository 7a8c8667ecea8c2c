"""The dump of MongoDB in one pass, as where a snapshot isolates: packed, hashed, with a checksum of every field.

The stand-in does not isolate, so there the product reads everything twice (`mongo_dump_twice`); what it does on MongoDB
is called here below its own entrance.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from benchmarks.databases.mongo import Filled, filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale, Side
from skill_server.backends.base import no_progress
from skill_server.backends.mongo.backup.dump_files import DumpFiles
from skill_server.backends.mongo.backup.dump_reads import DumpReads, Reading
from skill_server.backends.mongo.backup.reading import open_snapshot
from skill_server.model.names import NameMap

Read = Callable[[Filled, DumpReads], Awaitable[Reading]]


@asynccontextmanager
async def rivals(scale: Scale, *, read: Read, again: bool) -> AsyncGenerator[Rivals]:
    """Set up the dump with this way to read, and the bare reading to a file, `again` to nowhere after it."""
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:
            yield Rivals(product=_product(database, folder, read), peer=_peer(database, folder, again=again))


def _product(database: Filled, folder: Path, read: Read) -> Side:
    async def product(lap: Lap) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            with lap.timed():
                files = DumpFiles(database.connections, Path(place), None)
                files.begin()
                reads = DumpReads(
                    database.connections,
                    NameMap(),
                    files,
                    no_progress,
                    size_bytes=0,
                    records=database.documents,
                )
                dumped = await reads.result(await read(database, reads))
            if sum(part.records or 0 for part in dumped.parts) != database.documents:
                raise RuntimeError("the dump is not whole")
            if sum(sums.records for sums in dumped.checksums.entities.values()) != database.documents:
                raise RuntimeError("the dump has no checksum of every document")

    return product


def _peer(database: Filled, folder: Path, *, again: bool) -> Side:
    async def peer(lap: Lap) -> None:
        with tempfile.TemporaryFile(dir=folder) as file, lap.timed():
            async for batch in database.raw_batches():
                file.write(batch)
            if again:
                async for _ in database.raw_batches():
                    pass

    return peer


async def _once(database: Filled, reads: DumpReads) -> Reading:
    async with open_snapshot(database.connections) as session:
        return await reads.once(session)


def _rivals(scale: Scale) -> AbstractAsyncContextManager[Rivals]:
    return rivals(scale, read=_once, again=False)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="mongo-dump",
            what="dump of MongoDB in one pass, packed, hashed, as mongodump lays it out / bare raw batches to a file",
            target=1.15,
            limit=1.4,
        ),
    ),
    rivals=_rivals,
)
