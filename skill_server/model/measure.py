"""What carrying out a step cost, taken where it ran and kept in the step's mark."""

from collections.abc import Mapping

from pydantic import ValidationError

from skill_server.model.base import Frozen, JsonObject
from skill_server.model.receipt import Mark

MEASURE = "measure"


class LockTaken(Frozen):
    """A lock that a step took and its transaction keeps until it ends; `mode` is the server's word for it."""

    entity: str
    mode: str


class StepMeasure(Frozen):
    """The cost of one step; None where its database cannot tell.

    `records` were written or gone over, `wal_bytes` counts the log of the whole server, so others' writes too.
    `rewritten` names entities that got new files. Steps with one `transaction` ended together, and so did their locks.
    """

    seconds: float
    records: int | None = None
    wal_bytes: int | None = None
    locks: tuple[LockTaken, ...] = ()
    rewritten: tuple[str, ...] = ()
    transaction: str | None = None
    batches: int = 0
    longest_batch_s: float = 0.0

    def detail(self) -> JsonObject:
        """Return the measure as a mark keeps it."""
        return {MEASURE: self.model_dump(mode="json")}


def measures(marks: Mapping[str, Mark]) -> dict[str, StepMeasure]:
    """Return the measures that marks hold, by step; one that was written before measures were has none."""
    found: dict[str, StepMeasure] = {}
    for step, mark in marks.items():
        try:
            found[step] = StepMeasure.model_validate(mark.detail.get(MEASURE))
        except ValidationError:
            continue
    return found


class Batches:
    """Counts the batches of one step as they end, and keeps the longest; `now` is a steady clock's time."""

    def __init__(self, now: float) -> None:
        self._began = self._last = now
        self._count = 0
        self._longest = 0.0

    def ended(self, now: float) -> None:
        """Note that a batch ended."""
        self._count += 1
        self._longest = max(self._longest, now - self._last)
        self._last = now

    def measure(self, now: float, records: int | None) -> StepMeasure:
        """Return the cost of the step."""
        return StepMeasure(
            seconds=round(now - self._began, 6),
            records=records,
            batches=self._count,
            longest_batch_s=round(self._longest, 6),
        )
