"""Taking turns: product and peer run alternately, so that whatever else the machine does meets both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum

SECONDS = "seconds"
LEAST_RUNS = 5

Clock = Callable[[], float]


class Scale(StrEnum):
    """How much data: `small` for every day, `large` for the night."""

    SMALL = "small"
    LARGE = "large"


class Lap:
    """One run of one side, and the quantities it measured."""

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self.quantities: dict[str, float] = {}

    @contextmanager
    def timed(self) -> Generator[None]:
        """Measure the block as this run's seconds; what a side prepares or checks stays outside of it."""
        began = self._clock()
        yield
        self.note(SECONDS, self._clock() - began)

    def note(self, quantity: str, value: float) -> None:
        """Keep a quantity, for example the bytes of a file.

        Raises:
            ValueError: it is not positive, so no ratio can be made of it.
        """
        if value <= 0:
            raise ValueError(f"{quantity} must be positive, not {value}")
        self.quantities[quantity] = value


Side = Callable[[Lap], Awaitable[None]]


@dataclass(frozen=True)
class Rivals:
    """The two sides of one benchmark; a run that does not do its work raises."""

    product: Side
    peer: Side


@dataclass(frozen=True)
class Bar:
    """How high one quantity may be as a ratio product / peer: `target` is the aim, `limit` fails the run.

    Where a promise is in the quantity's own unit, `absolute` holds the product's median itself against both.
    """

    id: str
    what: str
    target: float
    limit: float
    quantity: str = SECONDS
    absolute: bool = False


@dataclass(frozen=True)
class Benchmark:
    """What a benchmark's file offers as `BENCHMARK`: `rivals` sets both sides up and cleans up after them."""

    bars: tuple[Bar, ...]
    rivals: Callable[[Scale], AbstractAsyncContextManager[Rivals]]
    runs: int = LEAST_RUNS

    def __post_init__(self) -> None:
        if self.runs < LEAST_RUNS:
            raise ValueError(f"fewer than {LEAST_RUNS} runs say nothing")


@dataclass(frozen=True)
class Series:
    """One quantity of both sides; the values of one turn stand at the same place."""

    product: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """The ratio of each turn."""
        return tuple(ours / theirs for ours, theirs in zip(self.product, self.peer, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the ratios of the turns, which one disturbed turn does not move."""
        return statistics.median(self.ratios)


async def take_turns(
    rivals: Rivals, runs: int, clock: Clock = time.perf_counter
) -> tuple[list[Lap], list[Lap]]:
    """Run both sides once to warm up, then alternately; return the laps of the product and of the peer."""
    await rivals.product(Lap(clock))
    await rivals.peer(Lap(clock))
    product: list[Lap] = []
    peer: list[Lap] = []
    for _ in range(runs):
        for side, laps in ((rivals.product, product), (rivals.peer, peer)):
            lap = Lap(clock)
            await side(lap)
            laps.append(lap)
    return product, peer


def series(product: Sequence[Lap], peer: Sequence[Lap], quantity: str) -> Series:
    """Return one quantity of both sides."""
    return Series(
        tuple(lap.quantities[quantity] for lap in product), tuple(lap.quantities[quantity] for lap in peer)
    )
