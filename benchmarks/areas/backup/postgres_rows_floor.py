"""The dump of PostgreSQL without its checksums, against the mere reading of the rows by one session."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.databases.postgres import filled
from benchmarks.databases.postgres_rows import dump_rows
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:

            async def product(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place, lap.timed():
                    await dump_rows(database.url, Path(place))

            async def peer(lap: Lap) -> None:
                with lap.timed():
                    await database.run("pg_dump", "--format=plain", "--file=/dev/null", folder=folder)

            yield Rivals(product=product, peer=peer)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="dump-floor",
            what="rows of PostgreSQL read, packed, hashed, on disk / `pg_dump -Fp > /dev/null`",
            target=1.15,
            limit=1.4,
        ),
    ),
    rivals=_rivals,
)
