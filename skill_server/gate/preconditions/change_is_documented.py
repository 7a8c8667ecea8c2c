"""MUST 7: the migration says what and why, and its document was made from this very migration."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.plan import Plan, PlanKind

DUTY = "MUST 7"
TITLE = "The change is documented"


async def change_is_documented(plan: Plan | None, evidence: Evidence) -> Verdict:
    """The document beside the migration names the migration's digest."""
    if plan is None or plan.kind is PlanKind.RESTORE:
        return not_applicable("a restore is documented by its event in the ledger")
    if evidence.facts.documented_digest(plan) != plan.subject:
        return unmet(
            "document-missing",
            "the document beside the migration is missing or belongs to another version of it",
            help="Call review_migration, which writes it anew.",
            next_tool="review_migration",
            revision=plan.revision,
        )
    return met(f"migrations/{plan.revision}.md was made from this migration")
