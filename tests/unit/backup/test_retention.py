"""Which backups may go: by the ledger's order, whatever clocks say, and never what something still needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from skill_server.backup import retention
from skill_server.backup.retention import Proven
from skill_server.ledger import history
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind, TargetIdentity
from skill_server.model.receipt import Event, EventKind

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
LEDGER = "ledger"
SOURCE = dict.fromkeys(BackendKind, "before")


def a_label(number: int) -> str:
    """Return the label of a number."""
    return f"20260101T000000Z-{number:08x}"


def backups(*ages_h: float) -> list[Proven]:
    """Return backups of these ages in the order in which the ledger has them, the first taken first."""
    return [
        Proven(label=a_label(number), seq=number, at=NOW - timedelta(hours=age))
        for number, age in enumerate(ages_h)
    ]


def gone(found: list[Proven], *, last: int = 1, days: float = 1, needed: tuple[str, ...] = ()) -> list[int]:
    """Return the numbers of the backups that may go."""
    expired = retention.expired(found, keep_last=last, keep_days=days, now=NOW, needed=needed)
    return [backup.seq for backup in found if backup.label in expired]


@pytest.mark.parametrize(
    ("ages_h", "last", "days", "expected"),
    [
        ((), 1, 1, []),
        ((900,), 1, 0, []),
        ((90, 80, 70), 1, 1, [0, 1]),
        ((90, 80, 70), 2, 1, [0]),
        ((90, 80, 70), 3, 1, []),
        ((90, 20, 10), 1, 1, [0]),
        ((90, 20, 10), 1, 30, []),
        ((5, 5, 5), 1, 0, [0, 1]),
        ((24, 23), 1, 1, []),
    ],
    ids=["none", "only", "last", "two", "three", "young", "days", "equal", "exact"],
)
def test_a_backup_goes_when_it_is_neither_new_nor_young(
    ages_h: tuple[float, ...], last: int, days: float, expected: list[int]
) -> None:
    """Either reason is enough to keep it, and one is always left."""
    assert gone(backups(*ages_h), last=last, days=days) == expected


def test_a_clock_that_was_set_back_does_not_make_newer_backups_go_first() -> None:
    """The second was taken after the first, though its time is a year before."""
    assert gone(backups(10, 24 * 365, 5), last=1, days=1) == []
    assert gone(backups(900, 24 * 365, 5), last=1, days=1) == [0, 1]


def test_a_backup_from_the_future_is_kept_until_its_time_has_come() -> None:
    """A wrong clock may keep too much and never too little."""
    assert gone(backups(900, -5_000, 800, 700), last=1, days=1) == [0]


def test_the_hour_that_comes_twice_in_autumn_does_not_change_the_order() -> None:
    """Times carry their zone, so a local clock that is set back is no earlier time."""
    berlin = ZoneInfo("Europe/Berlin")
    twice = [datetime(2025, 10, 26, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1)]
    found = [Proven(label=a_label(n), seq=n, at=at.astimezone(UTC)) for n, at in enumerate(twice)]
    now = twice[1] + timedelta(hours=1)

    assert found[0].at < found[1].at
    assert retention.expired(found, keep_last=1, keep_days=1.5 / 24, now=now, needed=()) == (a_label(0),)


def test_what_is_needed_stays_however_old_it_is() -> None:
    """A restore that a person has read and approved must not find its backup gone."""
    assert gone(backups(900, 800, 700), needed=(a_label(0),)) == [1]


@given(
    ages=some.lists(some.floats(-10_000, 10_000), max_size=12),
    last=some.integers(1, 5),
    days=some.floats(0, 100),
    order=some.randoms(use_true_random=False),
)
def test_however_clocks_jump_the_newest_stay_and_the_oldest_go_first(
    ages: list[float], last: int, days: float, order: Random
) -> None:
    """What goes is always the beginning of the ledger's order, and nothing of the newest N."""
    found = backups(*ages)
    expected = gone(found, last=last, days=days)
    shuffled = list(found)
    order.shuffle(shuffled)

    assert expected == list(range(len(expected)))
    assert len(expected) <= max(len(found) - last, 0)
    assert all(ages[number] > days * 24 for number in expected)
    assert sorted(gone(shuffled, last=last, days=days)) == expected


def an_event(
    seq: int, kind: EventKind, bound: Mapping[str, str], body: Mapping[str, object] | None = None
) -> Event:
    """Return an event of the ledger."""
    return Event(seq=seq, kind=kind, at=NOW, bound={"ledger": LEDGER, **bound}, body=dict(body or {}))


def a_backup(seq: int, schema: str = "before") -> Event:
    """Return the receipt of a backup."""
    return an_event(
        seq, EventKind.BACKUP, {"label": a_label(seq), **{f"{kind}.schema": schema for kind in BackendKind}}
    )


def a_plan(seq: int, kind: PlanKind, *, label: str | None = None) -> tuple[str, Event]:
    """Return a stored plan with its id."""
    plan = Plan(
        kind=kind,
        revision=None if label else "20260101_a",
        backup_label=label,
        subject="s" * 32,
        target=TargetIdentity(name="t", environment="development", ledger_id=LEDGER),
        source=SOURCE,
        steps=(),
    )
    body = {"plan": plan.model_dump(mode="json")}
    return plan.id, an_event(seq, EventKind.PLAN, {"plan": plan.id, "kind": kind}, body)


def needs(*events: Event) -> set[str]:
    """Return the labels that are needed after these events."""
    return set(retention.needed(events, history.read(events), LEDGER))


def test_the_backup_that_a_run_began_with_is_needed_until_the_next_change() -> None:
    """It is what the way back of the last change would be taken from, also when newer ones hold the changed data."""
    plan_id, plan = a_plan(2, PlanKind.UPGRADE)
    begun = an_event(3, EventKind.STARTED, {"plan": plan_id})

    assert needs(a_backup(1), plan) == set()
    assert needs(a_backup(0, "other"), a_backup(1), plan, begun, a_backup(4)) == {a_label(1)}


def test_a_restore_that_was_planned_needs_its_backup_until_something_changes() -> None:
    """Restoring asks for a fresh backup first, and taking that one must not remove the one to restore."""
    _, plan = a_plan(5, PlanKind.RESTORE, label=a_label(1))
    other_id, other = a_plan(7, PlanKind.UPGRADE)
    begun = an_event(8, EventKind.STARTED, {"plan": other_id})

    assert needs(a_backup(1), a_backup(2), plan) == {a_label(1)}
    assert needs(a_backup(1), a_backup(2), plan, a_backup(6), other, begun) == {a_label(6)}


def test_an_unfinished_restore_needs_its_backup() -> None:
    """Its copies may have to be loaded again."""
    plan_id, plan = a_plan(5, PlanKind.RESTORE, label=a_label(1))

    assert needs(a_backup(1), a_backup(2), plan, an_event(6, EventKind.STARTED, {"plan": plan_id})) == {
        a_label(1)
    }


def test_backups_of_another_ledger_are_not_this_targets_to_remove() -> None:
    """Two targets may keep their backups in one folder."""
    other = an_event(1, EventKind.BACKUP, {"label": a_label(1), "ledger": "another"})

    assert retention.proven((other, a_backup(2)), LEDGER) == (Proven(label=a_label(2), seq=2, at=NOW),)
