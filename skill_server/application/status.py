"""What is applied, pending, unfinished, retired and backed up on a target."""

from pydantic import AwareDatetime

from skill_server.application import planning
from skill_server.application.session import Session
from skill_server.ledger import history
from skill_server.ledger.history import Applied
from skill_server.model.base import Frozen
from skill_server.model.hazard import Hazard
from skill_server.model.receipt import EventKind


class BackupLine(Frozen):
    """One proven backup."""

    label: str
    at: AwareDatetime
    size_bytes: int


class Retired(Frozen):
    """Something an applied revision hid and nobody finalized."""

    revision: str
    since: AwareDatetime
    what: str


class Status(Frozen):
    """The state of a target; `way_out` says which call puts an open matter right."""

    target: str
    environment: str
    applied: tuple[Applied, ...]
    pending: tuple[str, ...]
    unfinished: str | None
    needs_attention: str | None
    way_out: str | None
    retired: tuple[Retired, ...]
    backups: tuple[BackupLine, ...]


async def read_status(session: Session) -> Status:
    """Read the state of a target from its ledger and the project's files."""
    state = session.history
    migrations = planning.read_graph(session)
    way_out = None
    if state.needs_attention:
        way_out = "restore_backup with the newest backup below"
    elif state.unfinished:
        kind = planning.recall(session, state.unfinished).plan.kind
        way_out = f"run_{kind} with plan_id {state.unfinished}: it goes on where it stopped"
    return Status(
        target=session.target.name,
        environment=session.identity.environment,
        applied=state.applied,
        pending=tuple(item.revision for item in planning.pending(session, migrations)),
        unfinished=state.unfinished,
        needs_attention=state.needs_attention,
        way_out=way_out,
        retired=_retired(session),
        backups=tuple(
            BackupLine(label=event.bound["label"], at=event.at, size_bytes=event.body["size_bytes"])
            for event in reversed(session.events)
            if event.kind is EventKind.BACKUP and event.bound["ledger"] == session.identity.ledger_id
        ),
    )


def _retired(session: Session) -> tuple[Retired, ...]:
    plans = history.plans(session.events)
    at = {event.seq: event.at for event in session.events}
    return tuple(
        Retired(revision=entry.revision, since=at[entry.seq], what=f"{step.backend}: {step.forward.summary}")
        for entry in session.history.applied
        if not entry.finalized
        for step in plans[entry.plan_id].steps
        if Hazard.RETIRES_DATA in step.hazards
    )
