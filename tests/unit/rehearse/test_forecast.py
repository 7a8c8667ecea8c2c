"""A forecast grows with the data, and counts a lock from the step that took it to the end of its transaction."""

from __future__ import annotations

import pytest

from skill_server.model.ids import BackendKind
from skill_server.model.measure import LockTaken, StepMeasure
from skill_server.rehearse.forecast import Sizes, StepCost, forecast, growth, locks_held

POSTGRES, MONGODB = BackendKind.POSTGRES, BackendKind.MONGODB
NOTHING = {kind: Sizes() for kind in BackendKind}


def a_cost(
    step: str,
    seconds: float,
    *modes: str,
    entity: str = "items",
    transaction: str | None = "7",
    backend: BackendKind = POSTGRES,
    wal: int = 0,
    rewritten: bool = False,
) -> StepCost:
    """Return the cost of a step that took these locks."""
    return StepCost(
        step=step,
        backend=backend,
        entity=entity,
        measure=StepMeasure(
            seconds=seconds,
            wal_bytes=wal,
            locks=tuple(LockTaken(entity=entity, mode=mode) for mode in modes),
            rewritten=(entity,) if rewritten else (),
            transaction=transaction,
        ),
    )


def items(records: int, size_bytes: int) -> dict[BackendKind, Sizes]:
    """Return a pair of databases whose items are this large on PostgreSQL."""
    return {POSTGRES: Sizes(records={"items": records}, size_bytes={"items": size_bytes}), MONGODB: Sizes()}


def test_a_lock_is_held_until_its_transaction_ends() -> None:
    """A later step of the same transaction keeps everybody waiting for a lock that it did not take."""
    held = locks_held([a_cost("a", 1), a_cost("b", 2, "AccessExclusiveLock"), a_cost("c", 4, "ShareLock")])

    assert [(lock.step, lock.held_s, lock.stops_readers) for lock in held] == [
        ("b", 6, True),
        ("c", 4, False),
    ]


def test_the_next_transaction_does_not_prolong_a_lock() -> None:
    """It is gone with the commit."""
    held = locks_held(
        [
            a_cost("a", 1, "ShareLock"),
            a_cost("b", 9, transaction="8"),
            a_cost("c", 5, "ShareLock", transaction=None),
        ]
    )

    assert [lock.held_s for lock in held] == [1, 5]


@pytest.mark.parametrize("mode", ["ShareUpdateExclusiveLock", "RowExclusiveLock", "AccessShareLock"])
def test_a_lock_that_stops_neither_readers_nor_writers_is_left_out(mode: str) -> None:
    """An index built online takes one for hours, and nobody notices."""
    assert locks_held([a_cost("a", 9, mode)]) == ()


def test_what_grew_since_the_backup_takes_longer() -> None:
    """Time goes with the records or the bytes, whichever grew more."""
    found = forecast(
        [a_cost("a", 1, "ShareLock", wal=100), a_cost("b", 1, entity="owners")],
        items(1000, 1 << 20),
        items(3000, 2 << 20),
        items(1000, 1 << 20),
    )

    assert (found.seconds, found.longest_blocking_s, found.wal_bytes) == (4, 4, 300)
    assert (found.blocked, found.longest_unreadable_s) == ("items", 0)


def test_what_shrank_or_is_not_known_is_not_forecast_to_be_faster() -> None:
    """An estimate of zero records is the word of a database that was not asked to count yet."""
    assert growth(Sizes(records={"items": 10}), Sizes(records={"items": 0}), "items") == 1
    assert growth(Sizes(records={"items": 10}), Sizes(records={"items": 5}), "items") == 1
    assert growth(Sizes(), Sizes(records={"items": 5}), "items") == 1


def test_space_is_what_stays_and_what_is_there_twice_for_a_while() -> None:
    """A full disk in the middle of a rewrite is the worst place to learn it."""
    rewriting = forecast([a_cost("a", 1, rewritten=True)], items(10, 100), items(20, 200), items(10, 130))
    plain = forecast([a_cost("a", 1)], items(10, 100), items(10, 100), items(10, 90))

    assert rewriting.size_bytes == 2 * 30 + 200
    assert plain.size_bytes == 0


def test_nothing_measured_forecasts_nothing() -> None:
    """A plan may have steps that do nothing."""
    found = forecast([], NOTHING, NOTHING, NOTHING)

    assert (found.seconds, found.longest_blocking_s, found.blocked) == (0, 0, None)
