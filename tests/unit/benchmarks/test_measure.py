"""How runs are ordered, timed and turned into a ratio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale, Series, series, take_turns


def clock(*readings: float) -> Callable[[], float]:
    """Return a clock that shows these times one after another."""
    shown: Iterator[float] = iter(readings)
    return lambda: next(shown)


async def test_both_sides_warm_up_and_then_take_turns() -> None:
    """Whatever else the machine does must meet both sides alike, and a first run fills caches."""
    order: list[str] = []

    async def product(_lap: Lap) -> None:
        order.append("A")

    async def peer(_lap: Lap) -> None:
        order.append("B")

    laps = await take_turns(Rivals(product, peer), runs=3)

    assert "".join(order) == "AB" + "ABABAB"
    assert [len(side) for side in laps] == [3, 3]


async def test_only_the_timed_part_of_a_run_counts() -> None:
    """Checking what a run did takes time that nobody waits for."""

    async def side(lap: Lap) -> None:
        with lap.timed():
            pass
        lap.note("bytes", 7)

    # Two readings a lap: the warm-up of both, then one turn of each.
    times = clock(0, 100, 200, 300, 1000, 1003, 2000, 2006)
    product, peer = await take_turns(Rivals(side, side), 1, times)

    assert series(product, peer, "seconds") == Series((3,), (6,))
    assert series(product, peer, "bytes") == Series((7,), (7,))


def test_a_run_that_broke_has_no_time() -> None:
    """A benchmark that does not do its work must not look fast."""
    lap = Lap(clock(1, 2))

    with pytest.raises(RuntimeError, match="broke"), lap.timed():
        raise RuntimeError("broke")

    assert lap.quantities == {}


def test_the_ratio_is_the_median_of_the_turns_and_not_of_the_sides() -> None:
    """When the machine slows down half-way, the ratio of each turn still holds."""
    measured = Series(product=(1, 2, 30), peer=(2, 4, 10))

    assert measured.ratios == (0.5, 0.5, 3)
    assert measured.ratio == 0.5


def test_turns_that_do_not_pair_are_refused() -> None:
    """A lost run must not shift the others against each other."""
    with pytest.raises(ValueError, match="shorter"):
        _ = Series((1, 2), (1,)).ratio


@pytest.mark.parametrize("value", [0, -1])
def test_a_quantity_of_nothing_is_refused(value: float) -> None:
    """An empty file is a broken run, not an infinitely small one."""
    with pytest.raises(ValueError, match="positive"):
        Lap().note("bytes", value)


def test_fewer_than_five_runs_are_refused() -> None:
    """A median of less is an accident."""

    @asynccontextmanager
    async def rivals(_scale: Scale) -> AsyncGenerator[Rivals]:
        raise NotImplementedError
        yield

    with pytest.raises(ValueError, match="fewer than 5"):
        Benchmark(bars=(Bar("a", "what", 1, 2),), rivals=rivals, runs=4)
