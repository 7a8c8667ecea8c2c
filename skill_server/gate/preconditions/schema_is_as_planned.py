"""MUST NOT leave inconsistent data: both schemas are still the ones the plan was made for."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan

DUTY = "MUST NOT leave inconsistent data"
TITLE = "The schemas are as planned"


async def schema_is_as_planned(plan: Plan | None, evidence: Evidence) -> Verdict:
    """The live fingerprints equal those of the plan, and the application is quiet where the policy asks for it."""
    if plan is None:
        return not_applicable("no plan yet")
    drifted = [kind for kind in BackendKind if evidence.fingerprints[kind] != plan.source[kind]]
    if drifted:
        return unmet(
            "schema-drifted",
            f"the schema of {' and '.join(drifted)} changed since the plan was made",
            help="Plan again: call the same tool without plan_id.",
            next_tool="inspect_schema",
        )
    if evidence.policy.require_quiet and evidence.writers:
        return unmet(
            "not-quiet",
            f"other clients are connected: {', '.join(evidence.writers[:5])}",
            help="Stop the application first; the policy of this project asks for it.",
        )
    return met("both schemas have the plan's fingerprint")
