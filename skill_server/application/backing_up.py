"""Stage backup: dump both databases, prove the dump by restoring it, and leave a receipt."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import anyio.to_thread

from skill_server.application import copies, known
from skill_server.application.preflight import require_possible
from skill_server.application.session import Session
from skill_server.backends.base import Progress, no_progress
from skill_server.backends.progress import stage
from skill_server.backup import shelf, take
from skill_server.backup.backups import Tidied
from skill_server.backup.manifest import BackupManifest
from skill_server.ledger import history
from skill_server.model.ids import BackendKind, PlanId
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import Event, EventKind

_logger = logging.getLogger(__name__)


class Taken(NamedTuple):
    """A proven backup, its receipt, what left or stayed because of it, and indexes that it may not hold."""

    manifest: BackupManifest
    receipt: Event
    tidied: Tidied
    unfinished: tuple[str, ...]


async def back_up(session: Session, progress: Progress = no_progress) -> Taken:
    """Take and prove a backup of both databases, copy it to the destination if there is one, and let older ones go.

    Raises:
        Refused: a precondition does not hold, no space, or a client tool or the key of encrypted backups is missing.
        Failed: the dump, its proof or its copy at the destination failed; no receipt was written.
    """
    async with session.locked("backup"):
        await session.enter("backup", None)
        await session.target.sweep(session.identity, needed=copies.needed(session))
        await require_possible(session)
        backups = session.backups
        # Asked before anything long begins.
        seal, destination = backups.new_seal(), backups.destination
        directory = backups.prepare()
        _sweep(session)
        taken = await take.take(
            session.pair,
            directory,
            session.identity,
            tuple(entry.model_dump(mode="json") for entry in session.history.applied),
            stage(progress, begin=0, end=50),
            seal=seal,
            plan=_plan_in_mind(session),
        )
        await take.prove(
            session.target.rehearsal,
            directory,
            taken,
            stage(progress, begin=50, end=95),
            seal=seal,
            source=session.pair,
        )
        if destination is not None:
            await progress(95, 100, "copying the backup to its destination")
            await anyio.to_thread.run_sync(destination.ship, directory, taken)
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
                "moments": {kind: moment.isoformat() for kind, moment in taken.moments.items()},
                "spread_s": taken.spread_s,
                "sealed": taken.sealed,
                "shipped": destination is not None,
                # So that a verification can say which part went since, also before the first migration.
                **known.unrecorded_parts(
                    session, {kind: dump.fingerprint for kind, dump in taken.dumps.items()}
                ),
            },
        )
        await session.refresh()
        tidied = await backups.tidy(session.events)
        for line in tidied.lines:
            _logger.info("after backup %s: %s", taken.label, line)
        await progress(100, 100, "; ".join(tidied.lines) or "proven")
    return Taken(taken, receipt, tidied, tuple(_unfinished(session)))


def _unfinished(session: Session) -> Iterator[str]:
    """Name the indexes that were interrupted while they were built: a dump leaves them out, for they serve nobody."""
    for kind, snapshot in session.snapshots.items():
        for entity in snapshot.entities:
            for index in entity.indexes:
                if not index.valid:
                    yield f"{kind}: index {index.name} of {entity.name} is invalid; drop it, or build it again"


def _sweep(session: Session) -> None:
    """Remove what interrupted backups of this target left; the lock says that nobody works on them."""
    proven = {
        event.bound["label"]: event.bound["manifest"]
        for event in session.events
        if event.kind is EventKind.BACKUP
    }
    swept = shelf.sweep(session.settings.backups, session.identity, proven)
    if swept:
        _logger.info("removed what interrupted backups left: %s", ", ".join(swept))


def _plan_in_mind(session: Session) -> PlanId | None:
    """Return the plan that was stored last, if it was not begun: a backup is mostly taken for it."""
    event = history.latest(session.events, EventKind.PLAN, ledger=session.identity.ledger_id)
    if event is None or history.latest(session.events, EventKind.STARTED, plan=event.bound["plan"]):
        return None
    return event.bound["plan"]


def plan_to_rehearse(session: Session, receipt: Event) -> PlanId | None:
    """Return the plan that was stored last, if it fits the schemas of this backup and was not begun; else None."""
    event = history.latest(session.events, EventKind.PLAN, ledger=session.identity.ledger_id)
    if event is None or event.bound["kind"] == PlanKind.RESTORE:
        return None
    fits = all(event.body["plan"]["source"][kind] == receipt.bound[f"{kind}.schema"] for kind in BackendKind)
    begun = history.latest(session.events, EventKind.STARTED, plan=event.bound["plan"])
    return event.bound["plan"] if fits and begun is None else None
