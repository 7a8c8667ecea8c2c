"""`python -m benchmarks`: run them, print a table and write `build/bench.json`.

The exit status is 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks.harness.discovery import Found, discovered
from benchmarks.harness.measure import Scale, series, take_turns
from benchmarks.harness.processes import CHECKOUT
from benchmarks.harness.report import Entry, entry, judged, over_limit, table, write

REPORT = CHECKOUT / "build" / "bench.json"
# A pipe has no width of its own, and in 80 columns no row would be readable.
WIDTH_WITHOUT_TERMINAL = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that were asked for and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", type=Scale, choices=list(Scale), default=Scale.SMALL)
    parser.add_argument("--only", metavar="ID", help="one benchmark, or one of the ids in the table")
    given = parser.parse_args(arguments)
    every = discovered()
    chosen = [found for found in every if given.only is None or found.answers_to(given.only)]
    if not chosen:
        parser.error(f"nothing is called {given.only}; there are {', '.join(_names(every))}")
    console = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
    entries = asyncio.run(_measured(chosen, given.scale, console))
    console.print(table(entries))
    console.print(f"written: {REPORT.relative_to(CHECKOUT)}")
    late = over_limit(entries)
    for found in late:
        console.print(f"{found['id']}: {judged(found):.2f} exceeds its limit {found['limit']:.2f}")
    return 1 if late else 0


async def _measured(chosen: Sequence[Found], scale: Scale, console: Console) -> list[Entry]:
    entries: list[Entry] = []
    for found in chosen:
        bench = found.benchmark
        console.print(f"{found.area}/{found.name}: {bench.runs} runs of each side ({scale})")
        async with bench.rivals(scale) as rivals:
            product, peer = await take_turns(rivals, bench.runs)
        entries += [entry(found.area, bar, series(product, peer, bar.quantity)) for bar in bench.bars]
        # Written after each, so that a later one that breaks does not take the others along.
        write(entries, REPORT)
    return entries


def _names(every: Sequence[Found]) -> list[str]:
    return [name for found in every for name in (found.name, *(bar.id for bar in found.benchmark.bars))]


if __name__ == "__main__":
    sys.exit(main())
