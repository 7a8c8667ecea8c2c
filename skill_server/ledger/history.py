"""What the events add up to: which revisions are applied, what is unfinished, what is kept."""

from collections.abc import Sequence
from enum import StrEnum

from skill_server.model.base import Frozen
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind


class Result(StrEnum):
    """How a run ended."""

    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"
    NEEDS_ATTENTION = "needs_attention"


class Applied(Frozen):
    """A revision that both databases hold, with the plan that brought it there; None where it was there before."""

    revision: str
    digest: str
    plan_id: str | None
    seq: int
    finalized: bool = False


class History(Frozen):
    """The state of a target by its ledger."""

    applied: tuple[Applied, ...]
    unfinished: str | None
    needs_attention: str | None
    last_change_seq: int

    @property
    def head(self) -> str | None:
        """The newest applied revision."""
        return self.applied[-1].revision if self.applied else None

    def entry(self, revision: str) -> Applied | None:
        """Return the entry of an applied revision."""
        return next((entry for entry in self.applied if entry.revision == revision), None)


def read(events: Sequence[Event]) -> History:
    """Replay the events into a history."""
    applied: list[Applied] = []
    unfinished: str | None = None
    attention: str | None = None
    last_change = 0
    for event in events:
        plan_id = event.bound.get("plan", "")
        if event.kind is EventKind.STARTED:
            unfinished = plan_id
            last_change = event.seq
        elif event.kind is EventKind.OUTCOME:
            unfinished = None
            last_change = event.seq
            attention = plan_id if event.body["result"] == Result.NEEDS_ATTENTION else None
            if event.body["result"] == Result.APPLIED:
                applied = _replayed(applied, event)
        elif event.kind is EventKind.RESTORED:
            unfinished = None
            last_change = event.seq
            # Both databases are the backup's, and still not what was backed up.
            attention = plan_id if event.body.get("differences") else None
            applied = [Applied.model_validate(entry) for entry in event.body["applied"]]
        elif event.kind is EventKind.BASELINED:
            applied = [Applied(**entry, plan_id=None, seq=event.seq) for entry in event.body["applied"]]
    return History(
        applied=tuple(applied), unfinished=unfinished, needs_attention=attention, last_change_seq=last_change
    )


def _replayed(applied: list[Applied], event: Event) -> list[Applied]:
    revision = event.bound["revision"]
    match PlanKind(event.bound["kind"]):
        case PlanKind.UPGRADE:
            entry = Applied(
                revision=revision, digest=event.bound["subject"], plan_id=event.bound["plan"], seq=event.seq
            )
            return [*applied, entry]
        case PlanKind.DOWNGRADE:
            return [entry for entry in applied if entry.revision != revision]
        case PlanKind.FINALIZE:
            return [
                entry.model_copy(update={"finalized": True}) if entry.revision == revision else entry
                for entry in applied
            ]
        case PlanKind.RESTORE:
            return applied


def plans(events: Sequence[Event]) -> dict[str, Plan]:
    """Return every stored plan by its id."""
    return {
        event.bound["plan"]: Plan.model_validate(event.body["plan"])
        for event in events
        if event.kind is EventKind.PLAN
    }


def latest(events: Sequence[Event], kind: EventKind, **bound: str) -> Event | None:
    """Return the newest event of a kind whose `bound` holds all the given words."""
    for event in reversed(events):
        if event.kind is kind and all(event.bound.get(key) == value for key, value in bound.items()):
            return event
    return None
