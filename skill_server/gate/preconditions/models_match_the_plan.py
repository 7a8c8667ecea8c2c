"""MUST 8: the model definitions are those of the schema after the plan."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.finding import Severity
from skill_server.model.plan import Plan, PlanKind

DUTY = "MUST 8"
TITLE = "The model definitions are updated"


async def models_match_the_plan(plan: Plan | None, evidence: Evidence) -> Verdict:
    """The static reading of the models shows no difference to the schema that the plan leaves.

    Only errors count: an entity that no model declares may be reached by other means, and what statements of the
    author's own leave is not foreseen.
    """
    if plan is None or plan.kind in (PlanKind.RESTORE, PlanKind.FINALIZE):
        return not_applicable("this changes no field that a model names")
    findings = evidence.facts.model_findings(plan)
    if findings is None:
        return not_applicable("the configuration names no models")
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first, others = errors[0], len(errors) - 1
        more = f", and {others} more differences" if others else ""
        return unmet(
            "models-differ",
            f"{first.message} ({first.file}:{first.line}){more}",
            help=first.help,
            next_tool="review_migration",
            revision=plan.revision,
        )
    doubts = [finding for finding in findings if finding.severity is Severity.WARNING]
    if doubts:
        return met(
            f"the models equal the schema after the plan where it can be foreseen; {doubts[0].message}"
        )
    return met("the models equal the schema after the plan")
