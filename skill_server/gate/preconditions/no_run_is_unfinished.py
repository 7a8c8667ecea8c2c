"""MUST NOT leave inconsistent data: nothing half-done stands between the two databases."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, unmet
from skill_server.model.plan import Plan, PlanKind

DUTY = "MUST NOT leave inconsistent data"
TITLE = "No run is unfinished"


async def no_run_is_unfinished(plan: Plan | None, evidence: Evidence) -> Verdict:
    """No earlier plan is running, interrupted, or in need of attention; a restore is the way out of the last."""
    history = evidence.history
    restoring = evidence.stage == "backup" or (plan is not None and plan.kind is PlanKind.RESTORE)
    if history.needs_attention and not restoring:
        return unmet(
            "attention-needed",
            f"plan {history.needs_attention} ended half-way and was not put right",
            help="Call migration_status, then restore_backup.",
            next_tool="migration_status",
        )
    if history.unfinished and (plan is None or history.unfinished != plan.id) and not restoring:
        return unmet(
            "run-unfinished",
            f"plan {history.unfinished} was begun and did not end",
            help="Call the same tool with that plan_id again; it goes on where it stopped.",
            next_tool="migration_status",
        )
    return met("no run is open")
