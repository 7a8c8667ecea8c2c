"""The dump of MongoDB in one pass, as where a snapshot isolates: packed, hashed, with a checksum of every field.

The stand-in does not isolate, so there the product reads everything twice; what it does on MongoDB is called here below
its own entrance.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.databases.mongo import Filled, filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from skill_server.backends.base import no_progress
from skill_server.backends.mongo.dump_files import DumpFiles
from skill_server.backends.mongo.dump_reads import DumpReads
from skill_server.backends.mongo.reading import open_snapshot
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:

            async def product(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    with lap.timed():
                        dumped = await _dump(database, Path(place))
                    if sum(part.records or 0 for part in dumped.parts) != database.documents:
                        raise RuntimeError("the dump is not whole")

            async def peer(lap: Lap) -> None:
                with tempfile.TemporaryFile(dir=folder) as file, lap.timed():
                    async for batch in database.raw_batches():
                        file.write(batch)

            yield Rivals(product=product, peer=peer)


async def _dump(database: Filled, place: Path) -> DumpResult:
    files = DumpFiles(database.connections, place, None)
    files.begin()
    reads = DumpReads(
        database.connections, NameMap(), files, no_progress, size_bytes=0, records=database.documents
    )
    async with open_snapshot(database.connections) as session:
        return await reads.result(await reads.once(session))


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
