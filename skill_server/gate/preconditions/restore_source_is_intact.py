"""MUST 3 for a restore: the backup to put back was proven when it was taken, and its files are unchanged."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.plan import Plan
from skill_server.model.receipt import EventKind

DUTY = "MUST 3"
TITLE = "The backup to restore is proven and intact"


async def restore_source_is_intact(plan: Plan | None, evidence: Evidence) -> Verdict:
    """A backup receipt of this target names the label, every file still has its hash, and its key is there."""
    if plan is None or plan.backup_label is None:
        return not_applicable("no restore is planned")
    receipt = evidence.latest(EventKind.BACKUP, label=plan.backup_label, manifest=plan.subject)
    if receipt is None:
        return unmet(
            "backup-unknown",
            f"the ledger knows no proven backup {plan.backup_label} with this manifest",
            help="Call migration_status to see the backups.",
            next_tool="migration_status",
        )
    damage = await evidence.facts.backup_damage(plan.backup_label, plan.subject)
    if damage:
        return unmet(
            "backup-damaged", f"the backup's files are not intact: {damage[0]}", help="Choose another backup."
        )
    if (closed := evidence.facts.backup_closed(plan.backup_label)) is not None:
        return unmet(closed.code, closed.message, help=closed.help)
    return met(f"backup {plan.backup_label} is intact")
