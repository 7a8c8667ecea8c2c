"""Stage restore: put a proven backup in place of both databases; what they hold now is kept aside."""

import secrets
from collections.abc import Mapping

from skill_server import settings
from skill_server.application import losing, sources
from skill_server.application.claiming import claim, interrupted, require_newest
from skill_server.application.planning import Proposal, recall
from skill_server.application.session import Session
from skill_server.backends.base import Progress, no_progress
from skill_server.backends.progress import stage
from skill_server.backup import scratch
from skill_server.backup.manifest import BackupManifest
from skill_server.detect import detect
from skill_server.errors import Failed, MigrationError, Refused
from skill_server.ledger import history
from skill_server.model import content
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.receipt import Event, EventKind
from skill_server.verify import parts


async def restore(session: Session, proposal: Proposal, progress: Progress = no_progress) -> Event:
    """Restore into scratch databases, compare with the manifest, switch both, compare again, and record it.

    Raises:
        Refused: a precondition does not hold.
        Failed: the restored copies do not equal the backup; the live databases were not touched.
        InDoubt: it stopped while the databases were being switched; the same call goes on.
    """
    plan = proposal.plan
    if proposal.outcome is not None:
        return proposal.outcome
    async with session.locked(f"restore {plan.id}"):
        if (outcome := recall(session, plan.id).outcome) is not None:
            return outcome
        taken = await sources.backup_of(session, plan.backup_label or "")
        _require_subject(plan, taken)
        names = _begun(session, plan)
        if names is None:
            names = await _claimed(session, plan, taken, progress)
        try:
            await _require_replaceable(session, names)
            await _switched(session, names)
            await progress(90, 100, "switched")
            outcome = await _recorded(session, plan, taken)
        except MigrationError as error:
            # What a backend calls untouched is its own half; of the pair, one may be switched already.
            raise interrupted(plan, error) from error
        await session.target.sweep(session.identity)
    return outcome


async def _claimed(
    session: Session, plan: Plan, taken: BackupManifest, progress: Progress
) -> dict[BackendKind, str]:
    """Do everything that may refuse while nothing live is touched, then claim the plan; return the loaded copies."""
    await session.inspect()
    require_newest(session, plan)
    await session.enter("restore", plan)
    for backend in session.pair:
        await backend.require_replaceable()
    names = scratch.names(session.identity, "restore", secrets.token_hex(4))
    await _loaded(session, taken, names, stage(progress, begin=0, end=70))
    try:
        losses = await losing.since(session, taken)
        # Both of them before either is switched: one that refuses for good would leave the pair in two times.
        await _require_replaceable(session, names)
    except MigrationError:
        for copy in session.pair.at(names):
            await copy.drop()
        raise
    await claim(session, plan, {"copies": dict(names), "hidden": losses.body})
    await session.refresh()
    return names


async def _require_replaceable(session: Session, names: Mapping[BackendKind, str]) -> None:
    """Check that every half that is not switched yet can be."""
    for backend in session.pair:
        if names[backend.kind] in await backend.scratch():
            await backend.require_replaceable(names[backend.kind])


def _require_subject(plan: Plan, taken: BackupManifest) -> None:
    """Check that the manifest is the approved one, since it decides what will count as applied."""
    if taken.digest != plan.subject:
        raise Refused(
            "backup-damaged",
            f"the manifest of backup {taken.label} is not the one that was proven",
            help="Put the proven manifest back, or choose another backup.",
        )


def _begun(session: Session, plan: Plan) -> dict[BackendKind, str] | None:
    """Return the copies of an interrupted run of this very restore, which goes on without asking again."""
    if session.history.unfinished != plan.id:
        return None
    begun = history.latest(session.events, EventKind.STARTED, plan=plan.id)
    return {BackendKind(kind): name for kind, name in begun.body["copies"].items()} if begun else None


async def _loaded(
    session: Session, taken: BackupManifest, names: Mapping[BackendKind, str], progress: Progress
) -> None:
    """Restore into scratch databases and compare them with the manifest."""
    copies = session.pair.at(names)
    seal = session.backups.seal_of(taken)
    for number, copy in enumerate(copies):
        part = stage(progress, begin=50 * number, end=50 * (number + 1))
        await copy.load(session.settings.backups / taken.label / copy.kind, part, seal=seal)
    expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
    differences = [str(item) for item in content.compare(expected, await copies.checksums(), kept=True)]
    schemas = await copies.fingerprints()
    differences += [
        f"{kind}: the restored schema differs"
        for kind, dump in taken.dumps.items()
        if schemas[kind] != dump.fingerprint
    ]
    if differences:
        for copy in copies:
            await copy.drop()
        raise Failed(
            "backup-not-restorable",
            f"the restored copies differ from the backup: {'; '.join(differences[:5])}",
            help="Choose another backup.",
            next_tool="migration_status",
        )


async def _switched(session: Session, names: Mapping[BackendKind, str]) -> None:
    """Put the copies in place: MongoDB first, whose switch goes on where it stopped; PostgreSQL's is atomic."""
    await session.pair[BackendKind.MONGODB].replace_with(names[BackendKind.MONGODB])
    postgres = session.pair[BackendKind.POSTGRES]
    if names[BackendKind.POSTGRES] in await postgres.scratch():
        await postgres.replace_with(names[BackendKind.POSTGRES])


async def _recorded(session: Session, plan: Plan, taken: BackupManifest) -> Event:
    """Compare what is live now with the manifest and write the outcome."""
    expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
    remaining = content.compare(expected, await session.pair.checksums(), kept=True)
    ledger = session.target.ledger
    servers, after = await session.pair.identities(), await session.pair.inspect()
    begun = history.latest(session.events, EventKind.STARTED, plan=plan.id)
    outcome = await ledger.record(
        EventKind.RESTORED,
        bound={
            "plan": plan.id,
            "ledger": session.identity.ledger_id,
            "label": taken.label,
            **detect.identity_words(servers),
        },
        body={
            "applied": [dict(entry) for entry in taken.applied],
            "after": {kind: snapshot.fingerprint for kind, snapshot in after.items()},
            "parts": parts.recorded(after),
            "differences": [str(item) for item in remaining],
            "hidden": begun.body.get("hidden") if begun else None,
        },
        unique=f"outcome:{plan.id}",
    )
    await ledger.record(
        EventKind.VERIFICATION,
        bound={"ledger": session.identity.ledger_id, "plan": plan.id},
        body={"passed": not remaining, "depth": "full"},
    )
    # Another database answers under the name now, and this call has just asked it who it is.
    active = settings.active_backend(session.settings.project, session.target.settings)
    await detect.record_detection(ledger, session.identity.ledger_id, servers, active)
    await session.refresh()
    return outcome
