"""Stage backup: dump both databases, prove the dump by restoring it, and leave a receipt."""

from skill_server.application.session import Session
from skill_server.backends.base import Progress, no_progress
from skill_server.backends.progress import stage
from skill_server.backup import scratch, take
from skill_server.backup.manifest import BackupManifest
from skill_server.ledger import history
from skill_server.model.ids import BackendKind, PlanId
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import Event, EventKind


async def back_up(session: Session, progress: Progress = no_progress) -> tuple[BackupManifest, Event]:
    """Take and prove a backup of both databases.

    Raises:
        Refused: a precondition does not hold, no space, or a client tool is missing.
        Failed: the dump or its proof failed; no receipt was written.
    """
    async with session.locked("backup"):
        await session.enter("backup", None)
        await scratch.sweep(session.pair, session.identity)
        directory = session.settings.backups
        session.settings.state.mkdir(mode=0o700, exist_ok=True)
        taken = await take.take(
            session.pair,
            take.private_directory(directory, within=session.settings.root),
            session.identity,
            tuple(entry.model_dump(mode="json") for entry in session.history.applied),
            stage(progress, begin=0, end=50),
        )
        await take.prove(session.pair, directory, taken, stage(progress, begin=50, end=100))
        receipt = await session.target.ledger.record(
            EventKind.BACKUP,
            bound={
                "label": taken.label,
                "ledger": session.identity.ledger_id,
                "manifest": taken.digest,
                **{f"{kind}.schema": taken.dumps[kind].fingerprint for kind in BackendKind},
            },
            body={
                "size_bytes": taken.size_bytes,
                "point_in_time": {kind: dump.point_in_time for kind, dump in taken.dumps.items()},
            },
        )
    await session.refresh()
    return taken, receipt


def plan_to_rehearse(session: Session, receipt: Event) -> PlanId | None:
    """Return the plan that was stored last, if it fits the schemas of this backup and was not begun; else None."""
    event = history.latest(session.events, EventKind.PLAN, ledger=session.identity.ledger_id)
    if event is None or event.bound["kind"] == PlanKind.RESTORE:
        return None
    fits = all(event.body["plan"]["source"][kind] == receipt.bound[f"{kind}.schema"] for kind in BackendKind)
    begun = history.latest(session.events, EventKind.STARTED, plan=event.bound["plan"])
    return event.bound["plan"] if fits and begun is None else None
