"""The dump of PostgreSQL without its checksums, against the tool that everybody knows."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from benchmarks.databases.postgres import filled
from benchmarks.databases.postgres_rows import dump_rows
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale


@asynccontextmanager
async def rivals(scale: Scale, *peer_arguments: str) -> AsyncGenerator[Rivals]:
    """Set up the dump of rows against `pg_dump` with these arguments, of which the file to write is no part."""
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:

            async def product(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place, lap.timed():
                    await dump_rows(database.url, Path(place))

            async def peer(lap: Lap) -> None:
                with tempfile.TemporaryDirectory(dir=folder) as place, lap.timed():
                    file = Path(place) / "peer.dump"
                    await database.run("pg_dump", f"--file={file}", *peer_arguments, folder=folder)

            yield Rivals(product=product, peer=peer)


def _rivals(scale: Scale) -> AbstractAsyncContextManager[Rivals]:
    return rivals(scale, "--format=custom")


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="dump-alone",
            what="rows of PostgreSQL read, packed, hashed, on disk / `pg_dump -Fc` to a file",
            target=0.35,
            limit=0.6,
        ),
    ),
    rivals=_rivals,
)
