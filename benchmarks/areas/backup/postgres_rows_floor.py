"""The dump of PostgreSQL without its checksums, against the mere reading of the rows by one session."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from benchmarks.areas.backup.postgres_rows import rivals
from benchmarks.harness.measure import Bar, Benchmark, Rivals, Scale


def _rivals(scale: Scale) -> AbstractAsyncContextManager[Rivals]:
    # The last name of a file counts.
    return rivals(scale, "--format=plain", "--file=/dev/null")


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
