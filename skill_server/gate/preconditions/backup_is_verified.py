"""MUST 3 and MUST NOT run without a backup: taken after the last change, restored, compared, and still intact."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.plan import Plan, PlanKind

DUTY = "MUST 3"
TITLE = "A backup of both databases was restored and compared"


async def backup_is_verified(plan: Plan | None, evidence: Evidence) -> Verdict:
    """A proven backup of these schemas exists, is fresh, its files are unchanged, and its key is there."""
    if plan is None:
        return not_applicable("no plan yet")
    receipt = evidence.backup_for(evidence.fingerprints if plan.kind is PlanKind.RESTORE else plan.source)
    if receipt is None:
        return unmet(
            "backup-missing",
            "no proven backup matches these schemas",
            help="Call backup.",
            next_tool="backup",
        )
    if receipt.seq < evidence.history.last_change_seq:
        return unmet(
            "backup-outdated",
            "the newest backup is older than the last change",
            help="Call backup.",
            next_tool="backup",
        )
    if evidence.age_h(receipt) > evidence.policy.backup_max_age_h:
        return unmet(
            "backup-too-old",
            f"the newest backup is {evidence.age_h(receipt):.0f} hours old, the policy allows "
            f"{evidence.policy.backup_max_age_h:.0f}",
            help="Call backup.",
            next_tool="backup",
        )
    damage = await evidence.facts.backup_damage(receipt.bound["label"], receipt.bound["manifest"])
    if damage:
        return unmet(
            "backup-damaged",
            f"the backup's files are not intact: {damage[0]}",
            help="Call backup.",
            next_tool="backup",
        )
    if (closed := evidence.facts.backup_closed(receipt.bound["label"])) is not None:
        return unmet(closed.code, closed.message, help=closed.help)
    return met(f"backup {receipt.bound['label']} was restored and every value compared")
