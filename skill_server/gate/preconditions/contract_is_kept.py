"""MUST NOT break existing API contracts: no code uses a name that the plan takes away."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.plan import Plan, PlanKind

DUTY = "MUST NOT break existing API contracts"
TITLE = "No code uses a name that goes away"


async def contract_is_kept(plan: Plan | None, evidence: Evidence) -> Verdict:
    """Every use of a removed, renamed or retyped name is mended, or acknowledged by name in the migration."""
    if plan is None or plan.kind is not PlanKind.UPGRADE:
        return not_applicable("only an upgrade takes names away from new code")
    findings = evidence.facts.contract_findings(plan)
    if findings is None:
        return not_applicable("the configuration names no code")
    if findings:
        first, others = findings[0], len(findings) - 1
        more = f", and {others} more places" if others else ""
        return unmet(
            "contract-broken",
            f"{first.file}:{first.line} still uses {first.name}{more}",
            help="Mend the code, or ask the person whether the name may stay; if so, write "
            f'op.acknowledge("{first.name}", "reason") in the migration.',
            next_tool="review_migration",
            revision=plan.revision,
        )
    return met(
        f"no code uses {', '.join(plan.retired_names)}"
        if plan.retired_names
        else "the plan takes no name away"
    )
