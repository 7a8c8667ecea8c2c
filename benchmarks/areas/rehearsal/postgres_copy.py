"""The copy for a rehearsal: cloned from the template that the proof of the backup left."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.databases.postgres import filled, tool_path
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from skill_server.backends.base import scratch_name

TEMPLATE, COPY = scratch_name("proof", "benchmark"), scratch_name("copy", "benchmark")
PEER_COPY = "peer_copy"
# sh is there everywhere and has no pipefail, so psql's end is looked at, and the rows are counted afterwards.
PIPE = '"$0" --format=plain | "$1" --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --output=/dev/null --dbname="$2"'


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                await database.backend.dump(Path(place))
                await database.backend.at(TEMPLATE).load(Path(place))

            async def product(lap: Lap) -> None:
                copy = database.backend.at(COPY)
                with lap.timed():
                    await copy.copy_from(TEMPLATE)
                if await database.count(COPY) != database.items:
                    raise RuntimeError("the copy is not whole")
                await copy.drop()

            async def peer(lap: Lap) -> None:
                with lap.timed():
                    await database.statement(f"CREATE DATABASE {PEER_COPY} TEMPLATE template0")
                    await database.run_shell(
                        PIPE, tool_path("pg_dump"), tool_path("psql"), PEER_COPY, folder=folder
                    )
                if await database.count(PEER_COPY) != database.items:
                    raise RuntimeError("the copy is not whole")
                await database.statement(f"DROP DATABASE {PEER_COPY} WITH (FORCE)")

            yield Rivals(product=product, peer=peer)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="rehearsal-copy",
            what="copy of PostgreSQL from the proven template / `pg_dump -Fp | psql`",
            target=0.3,
            limit=0.5,
        ),
    ),
    rivals=_rivals,
)
