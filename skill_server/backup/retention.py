"""Which backups may go, as a pure question: never the newest, never a young one, never one that something needs."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from pydantic import AwareDatetime

from skill_server.ledger import history
from skill_server.ledger.history import History
from skill_server.model.base import Frozen
from skill_server.model.ids import BackendKind, BackupLabel
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind


class Proven(Frozen):
    """A proven backup by its receipt; `seq` is its place in the ledger, which no clock can change."""

    label: BackupLabel
    seq: int
    at: AwareDatetime


def proven(events: Sequence[Event], ledger_id: str) -> tuple[Proven, ...]:
    """Return the proven backups of a target, oldest first."""
    return tuple(
        Proven(label=event.bound["label"], seq=event.seq, at=event.at)
        for event in events
        if event.kind is EventKind.BACKUP and event.bound["ledger"] == ledger_id
    )


def expired(
    backups: Collection[Proven], *, keep_last: int, keep_days: float, now: datetime, needed: Collection[str]
) -> tuple[str, ...]:
    """Return the labels that may go, oldest first.

    The order is the ledger's. A clock that was set back in between cannot make a newer backup look older than the one
    before it, so what the clock says wrongly keeps a backup for longer and never removes a newer one first.
    """
    ordered = sorted(backups, key=lambda backup: backup.seq)
    times = accumulate((backup.at for backup in ordered), max)
    newest = len(ordered) - max(keep_last, 1)
    # In UTC, because subtracting from a local time skips or repeats the hour of a change of clocks.
    youngest = now.astimezone(UTC) - timedelta(days=keep_days)
    return tuple(
        backup.label
        for place, (backup, at) in enumerate(zip(ordered, times, strict=True))
        if place < newest and at < youngest and backup.label not in needed
    )


def needed(events: Sequence[Event], state: History, ledger_id: str) -> frozenset[str]:
    """Return the labels that the last change, an unfinished run, or a planned restore may still need."""
    plans = history.plans(events)
    kept = {
        plan.backup_label
        for event in events
        if event.kind is EventKind.PLAN
        and event.seq > state.last_change_seq
        and (plan := plans[event.bound["plan"]]).kind is PlanKind.RESTORE
    }
    for plan_id in (state.unfinished, state.needs_attention, _last_begun(events)):
        if plan_id is not None and plan_id in plans:
            kept.add(_backup_of(plans[plan_id], plan_id, events, ledger_id))
    return frozenset(label for label in kept if label is not None)


def _last_begun(events: Sequence[Event]) -> str | None:
    event = history.latest(events, EventKind.STARTED)
    return event.bound["plan"] if event else None


def _backup_of(plan: Plan, plan_id: str, events: Sequence[Event], ledger_id: str) -> str | None:
    """Return the backup that a run would be put right with: the one that was newest when it began."""
    if plan.kind is PlanKind.RESTORE:
        return plan.backup_label
    began = history.latest(events, EventKind.STARTED, plan=plan_id)
    before = [event for event in events if began is None or event.seq < began.seq]
    bound = {f"{kind}.schema": plan.source[kind] for kind in BackendKind}
    event = history.latest(before, EventKind.BACKUP, ledger=ledger_id, **bound)
    return event.bound["label"] if event else None
