"""MUST NOT destroy without a person's confirmation: one fresh approval for this plan, not used before."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.plan import Plan
from skill_server.model.receipt import EventKind

DUTY = "MUST NOT destroy without a person's confirmation"
TITLE = "A person approved this plan"


async def person_approved(plan: Plan | None, evidence: Evidence) -> Verdict:
    """An approval bound to this plan is there, fresh, unspent, and its signature or channel still holds."""
    if plan is None:
        return not_applicable("no plan yet")
    for event in reversed(evidence.events):
        bound = event.bound.get("plan") == plan.id and event.bound.get("ledger") == plan.target.ledger_id
        if event.kind is not EventKind.APPROVAL or not bound or evidence.spent(event):
            continue
        if evidence.age_h(event) > evidence.policy.approval_max_age_h:
            continue
        if await evidence.facts.approval_holds(plan, event):
            return met(f"approved by {event.body['identity']} through {event.body['channel']}")
    return unmet(
        "approval-missing",
        "no person has approved this plan",
        help=f"Ask a person to run `database-migration approve {plan.id} --target {plan.target.name}` in a terminal, "
        "or use a client that can ask them.",
    )
