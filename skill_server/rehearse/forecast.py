"""From what a plan cost on a copy to what it will cost on the live databases."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from skill_server.model.base import Frozen
from skill_server.model.ids import BackendKind
from skill_server.model.measure import StepMeasure
from skill_server.model.snapshot import Snapshot

# Modes of PostgreSQL that stop others (manual, section 13.3.1): readers only by the strongest, writers by these.
STOPS_READERS = "AccessExclusiveLock"
STOPS_WRITERS = frozenset({"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", STOPS_READERS})


class StepCost(Frozen):
    """What one step cost on the copy; `entity` is its logical name."""

    step: str
    backend: BackendKind
    entity: str
    measure: StepMeasure


class LockHeld(Frozen):
    """A lock that stops others, with how long: from the step that took it to the end of its transaction."""

    step: str
    entity: str
    mode: str
    held_s: float

    @property
    def stops_readers(self) -> bool:
        """Whether even reading waits."""
        return self.mode == STOPS_READERS


class Forecast(Frozen):
    """What the live run will cost, as far as a copy can tell: it has no other load, and perhaps other hardware.

    `longest_blocking_s` is the longest time for which writers of one entity are stopped, `longest_unreadable_s` the
    same for readers. `size_bytes` is the space it needs beside the log: what stays, and files that are there twice
    until a rewriting ends.
    """

    seconds: float
    longest_blocking_s: float
    longest_unreadable_s: float = 0.0
    blocked: str | None = None
    wal_bytes: int = 0
    size_bytes: int = 0


class Sizes(Frozen):
    """Entities of one database by logical name: how many records, and how large."""

    records: dict[str, int] = {}
    size_bytes: dict[str, int] = {}

    @property
    def total(self) -> int:
        """The size of all."""
        return sum(self.size_bytes.values())


def sizes(snapshot: Snapshot) -> Sizes:
    """Return the sizes that a database estimates of its entities."""
    return Sizes(
        records={entity.name: entity.records for entity in snapshot.entities},
        size_bytes={entity.name: entity.size_bytes for entity in snapshot.entities},
    )


def growth(copy: Sizes, live: Sizes, entity: str) -> float:
    """Return how many times larger an entity is now than on the copy, never less than once.

    Both counts and sizes are estimates, and a restored copy is packed tighter than a used one: the worse one counts.
    """
    ratios = [
        now[entity] / before[entity]
        for before, now in ((copy.records, live.records), (copy.size_bytes, live.size_bytes))
        if now.get(entity) and before.get(entity)
    ]
    return max([1.0, *ratios])


def locks_held(
    costs: Sequence[StepCost], scale: Callable[[StepCost], float] = lambda _: 1.0
) -> tuple[LockHeld, ...]:
    """Return every lock that stops others; steps of one transaction keep theirs until its last step ended."""
    held: list[LockHeld] = []
    for transaction, group in groupby(costs, key=lambda cost: (cost.backend, cost.measure.transaction)):
        steps = list(group)
        left = sum(step.measure.seconds * scale(step) for step in steps)
        for step in steps:
            own = step.measure.seconds * scale(step)
            held += [
                LockHeld(
                    step=step.step,
                    entity=lock.entity,
                    mode=lock.mode,
                    held_s=round(left if transaction[1] else own, 6),
                )
                for lock in step.measure.locks
                if lock.mode in STOPS_WRITERS
            ]
            left -= own
    return tuple(held)


def forecast(
    costs: Sequence[StepCost],
    copies: Mapping[BackendKind, Sizes],
    live: Mapping[BackendKind, Sizes],
    after: Mapping[BackendKind, Sizes],
) -> Forecast:
    """Forecast the live run from the costs on copies of these sizes, which became `after` by it."""

    def scale(cost: StepCost) -> float:
        return growth(copies[cost.backend], live[cost.backend], cost.entity)

    held = sorted(locks_held(costs, scale), key=lambda lock: lock.held_s)
    unreadable = [lock.held_s for lock in held if lock.stops_readers]
    stays = sum(
        max(0, after[kind].total - copies[kind].total)
        * max(1.0, live[kind].total / (copies[kind].total or 1))
        for kind in copies
    )
    twice = sum(live[cost.backend].size_bytes.get(cost.entity, 0) for cost in costs if cost.measure.rewritten)
    return Forecast(
        seconds=round(sum(cost.measure.seconds * scale(cost) for cost in costs), 3),
        longest_blocking_s=round(held[-1].held_s, 3) if held else 0.0,
        longest_unreadable_s=round(max(unreadable, default=0.0), 3),
        blocked=held[-1].entity if held else None,
        wal_bytes=round(sum((cost.measure.wal_bytes or 0) * scale(cost) for cost in costs)),
        size_bytes=round(stays + twice),
    )
