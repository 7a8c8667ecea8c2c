"""Where a downgrade does not lead back, name the call that does: restore_backup, with the label that fits."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from skill_server.application import listing
from skill_server.application.session import Session
from skill_server.errors import MigrationError
from skill_server.ledger.history import Result
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import EventKind

TOOL = "restore_backup"
# The schema that the downgrade would have brought back is only in a backup from before the upgrade.
_BACK_TO_BEFORE = frozenset({"schema-drifted", "already-finalized", "no-way-back"})
_HALF_WAY = "needs-attention"
_UNDONE = "rolled-back"
ENOUGH_TRIES = 2


@asynccontextmanager
async def way_out(session: Session, revision: str) -> AsyncGenerator[None]:
    """Let a failed downgrade of a revision name the backup that leads out, where one does.

    A run that ended half-way leads to the newest proven backup, which loses least; a downgrade that cannot be had, or
    failed twice, to the newest one from before the revision was applied.
    """
    try:
        yield
    except MigrationError as error:
        applied = session.history.head if revision == "head" else revision
        label = None
        if error.code == _HALF_WAY:
            label = await newest_backup(session)
        elif error.code in _BACK_TO_BEFORE or (
            error.code == _UNDONE and _tries(session, applied) >= ENOUGH_TRIES
        ):
            label = await newest_backup(session, before=applied)
        if label is not None:
            error.next_tool, error.next_args = TOOL, {"label": label, "target": session.target.name}
        raise


async def newest_backup(session: Session, *, before: str | None = None) -> str | None:
    """Return the label of the newest proven backup that can be put back, or of the newest from before a revision."""
    entry = session.history.entry(before) if before is not None else None
    begun = next(
        (
            event.seq
            for event in session.events
            if entry is not None and event.kind is EventKind.STARTED and event.bound["plan"] == entry.plan_id
        ),
        None,
    )
    if before is not None and begun is None:
        return None
    proven = {
        event.bound["label"]
        for event in session.events
        if event.kind is EventKind.BACKUP and (begun is None or event.seq < begun)
    }
    return next((line.label for line in await listing.proven(session) if line.label in proven), None)


def _tries(session: Session, revision: str | None) -> int:
    """Count the downgrades of a revision that were undone."""
    return sum(
        event.kind is EventKind.OUTCOME
        and event.bound["kind"] == PlanKind.DOWNGRADE
        and event.bound["revision"] == revision
        and event.body["result"] == Result.ROLLED_BACK
        for event in session.events
    )
