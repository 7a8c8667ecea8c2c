"""Stage restore: put a proven backup in place of both databases; what they hold now is kept aside."""

import secrets

from skill_server.application.planning import Proposal, recall
from skill_server.application.session import Session
from skill_server.backends.base import Progress, no_progress, scratch_name
from skill_server.backends.progress import stage
from skill_server.backup import manifest as manifests
from skill_server.detect import detect
from skill_server.errors import Failed, InDoubt
from skill_server.ledger import history
from skill_server.model import content
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Event, EventKind


async def restore(session: Session, proposal: Proposal, progress: Progress = no_progress) -> Event:
    """Restore into scratch databases, compare with the manifest, switch both, compare again, and record it.

    Raises:
        Refused: a precondition does not hold.
        Failed: the restored copies do not equal the backup; the live databases were not touched.
    """
    plan = proposal.plan
    if proposal.outcome is not None:
        return proposal.outcome
    label = plan.backup_label or ""
    directory = session.settings.backups / label
    async with session.pair.locked({"plan": plan.id, "target": session.target.name}):
        await session.refresh()
        if (outcome := recall(session, plan.id).outcome) is not None:
            return outcome
        await session.enter("restore", plan)
        taken = manifests.read(directory)
        names = dict.fromkeys(BackendKind, scratch_name("restore", secrets.token_hex(4)))
        copies = session.pair.at(names)
        for number, copy in enumerate(copies):
            await copy.load(directory / copy.kind, stage(progress, begin=30 * number, end=30 * (number + 1)))
        expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
        differences = content.compare(expected, await copies.checksums(), kept=True)
        await copies.close()
        if differences:
            for copy in session.pair.at(names):
                await copy.drop()
            raise Failed(
                "backup-not-restorable",
                f"the restored copies differ from the backup: {'; '.join(str(item) for item in differences[:5])}",
                help="Choose another backup.",
                next_tool="migration_status",
            )
        approval = history.latest(session.events, EventKind.APPROVAL, plan=plan.id)
        if approval is None:
            raise InDoubt(
                "approval-vanished", "the approval is gone from the ledger", help="Call migration_status."
            )
        ledger = session.target.ledger
        await ledger.record(EventKind.SPENT, bound={"plan": plan.id}, unique=f"spent:{approval.seq}")
        for backend in session.pair:
            await backend.replace_with(names[backend.kind])
        await progress(90, 100, "switched")
    remaining = content.compare(expected, await session.pair.checksums(), kept=True)
    after = await session.pair.fingerprints()
    outcome = await ledger.record(
        EventKind.RESTORED,
        bound={
            "plan": plan.id,
            "ledger": session.identity.ledger_id,
            "label": label,
            **detect.identity_words(await session.pair.identities()),
        },
        body={
            "applied": [dict(entry) for entry in taken.applied],
            "after": after,
            "differences": [str(item) for item in remaining],
        },
        unique=f"outcome:{plan.id}",
    )
    await ledger.record(
        EventKind.VERIFICATION,
        bound={"ledger": session.identity.ledger_id, "plan": plan.id},
        body={"passed": not remaining, "depth": "full"},
    )
    await session.refresh()
    return outcome
