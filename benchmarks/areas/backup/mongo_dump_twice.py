"""The dump of MongoDB where no snapshot isolates: a read to the files, and a second one that proves that nothing moved.

This is what the stand-in gets, and a standalone server.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from benchmarks.areas.backup.mongo_dump import rivals
from benchmarks.databases.mongo import Filled
from benchmarks.harness.measure import Bar, Benchmark, Rivals, Scale
from skill_server.backends.mongo.backup.dump_reads import DumpReads, Reading


async def _twice(_: Filled, reads: DumpReads) -> Reading:
    reading = await reads.twice()
    if not reading.point_in_time:
        raise RuntimeError("somebody wrote to the database")
    return reading


def _rivals(scale: Scale) -> AbstractAsyncContextManager[Rivals]:
    return rivals(scale, read=_twice, again=True)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="mongo-dump-twice",
            what="the same in two reads that are compared / bare raw batches to a file, and once more to nowhere",
            target=1.3,
            limit=1.6,
        ),
    ),
    rivals=_rivals,
)
