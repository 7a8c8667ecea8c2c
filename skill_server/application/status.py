"""What is applied, pending, unfinished, retired and backed up on a target."""

from pydantic import AwareDatetime

from skill_server.application import listing, planning, revisions
from skill_server.application.listing import BackupLine
from skill_server.application.session import Session
from skill_server.backends.replacing import KeptThing
from skill_server.ledger import history
from skill_server.ledger.history import Applied
from skill_server.model.base import Frozen, JsonObject, canonical
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME
from skill_server.model.plan import PlanKind, Step
from skill_server.workflow import STAGES


class Retired(Frozen):
    """Something an applied revision hid and nobody finalized, with what is kept of it now.

    Without a revision it is what an undone one kept aside of values that were written meanwhile, or the content that a
    restore replaced.
    """

    revision: str | None
    since: AwareDatetime | None
    what: str
    records: int
    size_bytes: int


class Status(Frozen):
    """The state of a target; `way_out` says which call puts an open matter right, `next_tool` is that call."""

    target: str
    environment: str
    applied: tuple[Applied, ...]
    pending: tuple[str, ...]
    unfinished: str | None
    needs_attention: str | None
    way_out: str | None
    next_tool: str | None
    next_args: JsonObject
    retired: tuple[Retired, ...]
    backups: tuple[BackupLine, ...]


async def read_status(session: Session) -> Status:
    """Read the state of a target from its ledger, the project's files, and what the databases keep for downgrades."""
    state = session.history
    migrations = revisions.read_graph(session)
    backups = await listing.proven(session)
    next_tool, next_args = _call_of_way_out(session, backups)
    return Status(
        target=session.target.name,
        environment=session.identity.environment,
        applied=state.applied,
        pending=tuple(item.revision for item in revisions.pending(session, migrations)),
        unfinished=state.unfinished,
        needs_attention=state.needs_attention,
        way_out=_way_out(session, next_tool, next_args),
        next_tool=next_tool,
        next_args=next_args,
        retired=await _retired(session),
        backups=backups,
    )


def _call_of_way_out(session: Session, backups: tuple[BackupLine, ...]) -> tuple[str | None, JsonObject]:
    """Return the call that puts an open matter right, without the target."""
    state = session.history
    # First what was begun: where something needs attention as well, that is the restore which puts it right.
    if state.unfinished:
        plan = planning.recall(session, state.unfinished).plan
        subject = (
            {"label": plan.backup_label} if plan.kind is PlanKind.RESTORE else {"revision": plan.revision}
        )
        return STAGES[plan.kind].tool, {**subject, "plan_id": plan.id}
    if state.needs_attention and backups:
        # A restore that has to be repeated is of the backup that a person chose.
        chosen = planning.recall(session, state.needs_attention).plan.backup_label
        return STAGES[PlanKind.RESTORE].tool, {"label": chosen or backups[0].label}
    return None, {}


def _way_out(session: Session, tool: str | None, args: JsonObject) -> str | None:
    if tool is None:
        lost = session.history.needs_attention
        return "no proven backup is left here: a person follows docs/emergency.md" if lost else None
    words = f"{tool} with {' and '.join(f'{name} {value}' for name, value in args.items())}"
    if "plan_id" not in args:
        return f"{words}; without a plan_id it only shows what would go out of sight"
    return f"{words}: it goes on where it stopped"


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
    replaced = [
        Retired(
            revision=None,
            since=None,
            what=f"{backend.kind}: {thing.name}, put aside by a restore; a person drops it",
            records=thing.records,
            size_bytes=thing.size_bytes,
        )
        for backend in session.pair
        for thing in await backend.replaced()
    ]
    return (*replaced, *left, *found)


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
