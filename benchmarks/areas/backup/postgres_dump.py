"""The dump of PostgreSQL: packed, hashed twice, on disk, with a checksum of every column of the same moment."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.databases.postgres import filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale

BYTES = "bytes"


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:

            async def product(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    with lap.timed():
                        dumped = await database.backend.dump(Path(place))
                    if sum(sums.records for sums in dumped.checksums.entities.values()) < database.items:
                        raise RuntimeError("the dump did not check every record")
                    lap.note(BYTES, sum(part.size_bytes for part in dumped.parts))

            async def peer(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    file = Path(place) / "peer.dump"
                    with lap.timed():
                        await database.run("pg_dump", "--format=custom", f"--file={file}", folder=folder)
                    lap.note(BYTES, file.stat().st_size)

            yield Rivals(product=product, peer=peer)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="dump-with-checksums",
            what="dump of PostgreSQL, hashed, with a checksum of every column / `pg_dump -Fc` to a file",
            target=0.6,
            limit=0.9,
        ),
        Bar(
            id="dump-size",
            what="bytes of that dump / bytes of `pg_dump -Fc`",
            target=0.95,
            limit=1.05,
            quantity=BYTES,
        ),
    ),
    rivals=_rivals,
)
