"""The content checksum of MongoDB: a sum for every field, nothing decoded."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from benchmarks.databases.mongo import filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    async with filled(scale) as database:

        async def product(lap: Lap) -> None:
            with lap.timed():
                found = await database.backend.checksums()
            if sum(sums.records for sums in found.entities.values()) != database.documents:
                raise RuntimeError("the checksum did not read every document")

        async def peer(lap: Lap) -> None:
            with lap.timed():
                read = sum([len(batch) async for batch in database.raw_batches()])
            if not read:
                raise RuntimeError("there was nothing to read")

        yield Rivals(product=product, peer=peer)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="checksum-mongo",
            what="checksum of every field of MongoDB / one bare pass of `find_raw_batches`",
            target=1.3,
            limit=1.6,
        ),
    ),
    rivals=_rivals,
)
