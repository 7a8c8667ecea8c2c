"""MUST 2 and MUST NOT skip a backend: the plan acts on both, or says why one has nothing to do."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, unmet
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind

DUTY = "MUST 2"
TITLE = "The migration is written for both databases"


async def both_databases_are_covered(plan: Plan | None, evidence: Evidence) -> Verdict:
    """Each database has steps, or a reason that is shown everywhere."""
    if plan is None or plan.kind in (PlanKind.RESTORE, PlanKind.FINALIZE):
        return met("both databases are taken together")
    silent = [kind for kind in BackendKind if not plan.of(kind) and kind not in plan.not_applicable]
    if silent:
        return unmet(
            "backend-skipped",
            f"the plan does nothing on {' and '.join(silent)} and gives no reason",
            help='Write the change for it, or state op.not_applicable("backend", "reason") in the migration.',
            next_tool="generate_migration",
        )
    reasons = [f"nothing on {kind}: {reason}" for kind, reason in plan.not_applicable.items()]
    counts = [f"{len(plan.of(kind))} steps on {kind}" for kind in BackendKind if plan.of(kind)]
    return met("; ".join(counts + reasons))
