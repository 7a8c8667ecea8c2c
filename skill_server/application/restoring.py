"""Stage restore: put a proven backup in place of both databases; what they hold now is kept aside."""

import secrets

from skill_server import settings
from skill_server.application import copies, losing, sources
from skill_server.application.claiming import claim, interrupted, renew, require_newest
from skill_server.application.copies import Copies
from skill_server.application.planning import Proposal, recall
from skill_server.application.session import Session
from skill_server.backends.base import Progress, no_progress
from skill_server.backends.progress import stage
from skill_server.backup import scratch
from skill_server.backup.manifest import BackupManifest
from skill_server.detect import detect
from skill_server.errors import InDoubt, MigrationError, Refused
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
        InDoubt: it stopped while the databases were being switched, and the same call goes on (`run-interrupted`); or
            both are switched and differ from the backup (`needs-attention`).
    """
    plan = proposal.plan
    if proposal.outcome is not None:
        return _settled(session, proposal.outcome)
    async with session.locked(f"restore {plan.id}"):
        if (outcome := recall(session, plan.id).outcome) is not None:
            return _settled(session, outcome)
        taken = await sources.backup_of(session, plan.backup_label or "")
        _require_subject(plan, taken)
        begun = copies.begun(session, plan.id)
        if begun is None:
            begun = await _claimed(session, plan, taken, progress)
        try:
            begun = await _whole(session, plan, taken, begun, stage(progress, begin=0, end=70))
            await _require_replaceable(session, begun)
            await _switched(session, begun)
            await progress(90, 100, "switched")
            outcome = await _recorded(session, plan, taken)
        except MigrationError as error:
            # What a backend calls untouched is its own half; of the pair, one may be switched already.
            raise interrupted(plan, error) from error
        await session.target.sweep(session.identity)
    return _settled(session, outcome)


async def _claimed(session: Session, plan: Plan, taken: BackupManifest, progress: Progress) -> Copies:
    """Do everything that may refuse while nothing live is touched, then claim the plan; return the loaded copies."""
    await session.inspect()
    require_newest(session, plan)
    await session.enter("restore", plan)
    # What a killed restore left takes the room that this one needs.
    await copies.sweep(session)
    await losing.require_possible(session, taken)
    names = scratch.names(session.identity, scratch.RESTORE, secrets.token_hex(4))
    async with copies.dropped_on_failure(session, names, tuple(BackendKind)):
        ids = await copies.load(session, taken, names, tuple(BackendKind), stage(progress, begin=0, end=70))
        loaded = Copies(names=names, ids=ids)
        losses = await losing.since(session, taken)
        # Both of them before either is switched: one that refuses for good would leave the pair in two times.
        await _require_replaceable(session, loaded)
    await claim(session, plan, {"copies": names, "ids": ids, "hidden": losses.body})
    await session.refresh()
    return loaded


async def _whole(
    session: Session, plan: Plan, taken: BackupManifest, begun: Copies, progress: Progress
) -> Copies:
    """Load again what is neither in place nor there any more, under the same plan: nothing live is touched by that."""
    lost = await copies.missing(session, begun)
    if not lost:
        return begun
    # One of that name was loaded by a try that did not get as far as to claim it, so it was never compared.
    await copies.drop(session, begun.names, lost)
    async with copies.dropped_on_failure(session, begun.names, lost):
        ids = await copies.load(session, taken, begun.names, lost, progress)
    renewed = Copies(names=begun.names, ids={**begun.ids, **ids})
    await renew(session, plan, {"copies": renewed.names, "ids": renewed.ids})
    await session.refresh()
    return renewed


async def _require_replaceable(session: Session, loaded: Copies) -> None:
    """Check that every half that is not switched yet can be."""
    for backend in session.pair:
        if not await copies.is_switched(session, loaded, backend.kind):
            await backend.require_replaceable(loaded.names[backend.kind])


def _require_subject(plan: Plan, taken: BackupManifest) -> None:
    """Check that the manifest is the approved one, since it decides what will count as applied."""
    if taken.digest != plan.subject:
        raise Refused(
            "backup-damaged",
            f"the manifest of backup {taken.label} is not the one that was proven",
            help="Put the proven manifest back, or choose another backup.",
        )


async def _switched(session: Session, loaded: Copies) -> None:
    """Put the copies in place: MongoDB first, whose switch goes on where it stopped; PostgreSQL's is atomic."""
    for kind in (BackendKind.MONGODB, BackendKind.POSTGRES):
        if not await copies.is_switched(session, loaded, kind):
            await session.pair[kind].replace_with(loaded.names[kind])


async def _recorded(session: Session, plan: Plan, taken: BackupManifest) -> Event:
    """Compare what is live now with the manifest and write the outcome."""
    expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
    remaining = [str(item) for item in content.compare(expected, await session.pair.checksums(), kept=True)]
    ledger = session.target.ledger
    servers, after = await session.pair.identities(), await session.pair.inspect()
    remaining += [
        f"{kind}: the schema differs"
        for kind, snapshot in after.items()
        if snapshot.fingerprint != taken.dumps[kind].fingerprint
    ]
    for backend in session.pair:
        # Not before everything is compared: what is past its time by now is gone soon after this.
        await backend.let_expire()
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
            "differences": remaining,
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


def _settled(session: Session, outcome: Event) -> Event:
    """Return the outcome of a restore that brought back what was backed up; raise what another one means.

    Raises:
        InDoubt: both databases are switched, and do not hold what was backed up (`needs-attention`).
    """
    differences = outcome.body["differences"]
    if not differences:
        return outcome
    label = outcome.bound["label"]
    raise InDoubt(
        "needs-attention",
        f"both databases were replaced with backup {label}, but differ from it in {len(differences)} places: "
        f"{'; '.join(differences[:5])}",
        help="Find out who writes to them and stop it, then restore the backup again: ask without plan_id.",
        next_tool="restore_backup",
        next_args={"label": label, "target": session.target.name},
        detail={"differences": differences},
    )
