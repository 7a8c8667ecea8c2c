"""MUST 4 and MUST NOT touch production untested: this very plan ran on a copy of this target's own data."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import EventKind

DUTY = "MUST 4"
TITLE = "The plan was tested on a copy of the real data"


async def rehearsal_passed(plan: Plan | None, evidence: Evidence) -> Verdict:
    """A rehearsal receipt for this plan says that every act passed."""
    if plan is None:
        return not_applicable("no plan yet")
    if plan.kind is PlanKind.RESTORE:
        return met("the backup was restored into a copy and compared when it was taken")
    receipt = evidence.latest(EventKind.REHEARSAL, plan=plan.id)
    if receipt is None:
        return unmet(
            "rehearsal-missing",
            "this plan has not been tried on a copy",
            help="Call rehearse_migration with this plan_id.",
            next_tool="rehearse_migration",
            plan_id=plan.id,
        )
    if not receipt.body["passed"]:
        return unmet(
            "rehearsal-failed",
            f"the rehearsal failed: {'; '.join(receipt.body['problems'][:3])}",
            help="Mend the migration or the data, plan again, and rehearse the new plan.",
            next_tool="review_migration",
            revision=plan.revision,
        )
    backup = evidence.backup_for(plan.source)
    fresh = evidence.age_h(receipt) <= evidence.policy.rehearsal_max_age_h
    if not fresh or backup is None or receipt.seq < evidence.history.last_change_seq:
        return unmet(
            "rehearsal-outdated",
            "the rehearsal is too old, or something changed since",
            help="Call rehearse_migration again.",
            next_tool="rehearse_migration",
            plan_id=plan.id,
        )
    return met(f"rehearsed on a copy of backup {receipt.bound['label']}: {receipt.body['summary']}")
