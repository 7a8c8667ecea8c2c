"""MUST 6: the way back was walked on the copy and gave back schema and content."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import EventKind

DUTY = "MUST 6"
TITLE = "The rollback works"


async def rollback_is_rehearsed(plan: Plan | None, evidence: Evidence) -> Verdict:
    """The rehearsal of this plan went back and found every value as before."""
    if plan is None:
        return not_applicable("no plan yet")
    if plan.kind is PlanKind.FINALIZE:
        return not_applicable("a deletion has no way back but the proven backup")
    if plan.kind is PlanKind.RESTORE:
        return met("the replaced databases are kept on their servers")
    receipt = evidence.latest(EventKind.REHEARSAL, plan=plan.id)
    acts = {act["name"]: act["passed"] for act in receipt.body["acts"]} if receipt else {}
    if not acts.get("downgrade gave back schema and content"):
        return unmet(
            "rollback-unproven",
            "no rehearsal has shown that the way back works",
            help="Call rehearse_migration with this plan_id.",
            next_tool="rehearse_migration",
            plan_id=plan.id,
        )
    return met("on the copy the way back gave the same schema and content checksums")
