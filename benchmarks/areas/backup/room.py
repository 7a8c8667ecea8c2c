"""The space that a backup of PostgreSQL is refused for, against the space that it then takes."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.databases.postgres import filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from skill_server.backends.postgres.backup import source
from skill_server.backends.postgres.connection import Connections

BYTES = "bytes"


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:
            async with Connections(database.url).session(purpose="benchmark") as connection:
                _, forecast = await source.stored(connection)
            with tempfile.TemporaryDirectory(dir=folder) as place:
                dumped = await database.backend.dump(Path(place))
            used = sum(part.size_bytes for part in dumped.parts)

            # A forecast can fail both ways: too low and the disk fills up, too high and a backup is refused that fits.
            async def product(lap: Lap) -> None:
                lap.note(BYTES, max(forecast, used))

            async def peer(lap: Lap) -> None:
                lap.note(BYTES, min(forecast, used))

            yield Rivals(product=product, peer=peer)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="space-forecast",
            what="the larger of forecast and really used space of a dump of PostgreSQL / the smaller",
            target=1.3,
            limit=1.6,
            quantity=BYTES,
        ),
    ),
    rivals=_rivals,
)
