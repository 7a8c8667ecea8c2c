"""What is applied, pending, unfinished, retired and backed up on a target."""

from pydantic import AwareDatetime

from skill_server.application import listing, planning, revisions
from skill_server.application.listing import BackupLine
from skill_server.application.session import Session
from skill_server.backends.base import KeptThing
from skill_server.ledger import history
from skill_server.ledger.history import Applied
from skill_server.model.base import Frozen, canonical
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME
from skill_server.model.plan import Step


class Retired(Frozen):
    """Something an applied revision hid and nobody finalized, with what is kept of it now.

    Without a revision it is what an undone one kept aside of values that were written meanwhile.
    """

    revision: str | None
    since: AwareDatetime | None
    what: str
    records: int
    size_bytes: int


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
    """Read the state of a target from its ledger, the project's files, and what the databases keep for downgrades."""
    state = session.history
    migrations = revisions.read_graph(session)
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
        pending=tuple(item.revision for item in revisions.pending(session, migrations)),
        unfinished=state.unfinished,
        needs_attention=state.needs_attention,
        way_out=way_out,
        retired=await _retired(session),
        backups=await listing.proven(session),
    )


async def _retired(session: Session) -> tuple[Retired, ...]:
    plans = history.plans(session.events)
    at = {event.seq: event.at for event in session.events}
    kept = {backend.kind: list(await backend.kept()) for backend in session.pair}
    hiding = [
        (entry, step)
        for entry in session.history.applied
        if not entry.finalized and entry.plan_id is not None
        for step in plans[entry.plan_id].steps
        if Hazard.RETIRES_DATA in step.hazards
    ]
    found: list[Retired] = []
    for entry, step in hiding:
        own = [thing for thing in kept[step.backend] if _keeps(step, thing)]
        kept[step.backend] = [thing for thing in kept[step.backend] if thing not in own]
        found.append(
            Retired(
                revision=entry.revision,
                since=at[entry.seq],
                what=f"{step.backend}: {step.forward.summary}",
                records=sum(thing.records for thing in own),
                size_bytes=sum(thing.size_bytes for thing in own),
            )
        )
    left = [
        Retired(
            revision=None,
            since=None,
            what=f"{kind}: {thing.name}, kept aside by an undone revision",
            records=thing.records,
            size_bytes=thing.size_bytes,
        )
        for kind, things in kept.items()
        for thing in things
    ]
    return (*left, *found)


def _keeps(step: Step, thing: KeptThing) -> bool:
    """Say whether a step keeps a thing: only its own statements hold the name, which derives from the migration."""
    place, _, name = thing.name.rpartition(".")
    for statement in step.forward.statements:
        if statement.flow is not None and statement.flow.kept == name:
            return True
        text = statement.text + canonical(statement.command)
        if name in text and (place != KEPT_NAME or KEPT_NAME in text):
            return True
    return False
