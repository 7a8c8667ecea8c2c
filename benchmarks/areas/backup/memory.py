"""The memory of a process that backs up: it must not grow with the database."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.databases.postgres import fill, filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale, Side
from benchmarks.harness.processes import PYTHON, bare_environment, output

PROGRAM = (PYTHON, "-m", "benchmarks.programs.dump_once")
TENTH = "tenth"
MIB = "MiB"


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        async with filled(scale) as database:
            await database.statement(f"CREATE DATABASE {TENTH}")
            tenth = database.backend.at(TENTH).url()
            await fill(tenth, database.items // 10)
            yield Rivals(product=_side(database.url, Path(name)), peer=_side(tenth, Path(name)))


def _side(url: str, folder: Path) -> Side:
    async def run(lap: Lap) -> None:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            environment = bare_environment(folder) | {"DATABASE_URL": url}
            printed = await output((*PROGRAM, place), environment=environment, folder=folder)
            lap.note(MIB, int(printed) / 2**20)

    return run


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="memory-growth",
            what="most memory of a process that dumps PostgreSQL / of one that dumps a tenth of it",
            target=1.1,
            limit=1.3,
            quantity=MIB,
        ),
        Bar(
            id="memory",
            what="most memory of a process that dumps PostgreSQL",
            target=150,
            limit=200,
            quantity=MIB,
            absolute=True,
        ),
    ),
    rivals=_rivals,
)
