"""MUST NOT touch production untested: what the rehearsal forecasts for it is no longer than the policy allows."""

from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Verdict, met, not_applicable, unmet
from skill_server.model.finding import Severity
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import EventKind
from skill_server.rehearse.findings import findings
from skill_server.rehearse.forecast import Forecast

DUTY = "MUST NOT touch production untested"
TITLE = "The forecast for the live run is within the policy"


async def forecast_is_within_policy(plan: Plan | None, evidence: Evidence) -> Verdict:
    """In production, the run and its longest lock are as short as the policy asks, or acknowledged by name."""
    if plan is None or plan.kind not in (PlanKind.UPGRADE, PlanKind.FINALIZE):
        # A way back is needed most when something is wrong already.
        return not_applicable("only what goes forward is held to a forecast")
    receipt = evidence.latest(EventKind.REHEARSAL, plan=plan.id)
    environment = plan.target.environment
    body = receipt.body.get("forecast") if receipt is not None else None
    if body is None:
        if environment != "production":
            return not_applicable("only production is held to a forecast")
        return unmet(
            "forecast-missing",
            "no rehearsal of this plan holds a forecast",
            help="Call rehearse_migration with this plan_id.",
            next_tool="rehearse_migration",
            plan_id=plan.id,
        )
    forecast = Forecast.model_validate(body)
    found = tuple(
        findings(forecast, evidence.policy, environment=environment, acknowledged=plan.acknowledged)
    )
    blocking = [each for each in found if each.severity is Severity.ERROR]
    if blocking:
        return unmet(
            "forecast-over-policy",
            "; ".join(each.message for each in blocking),
            help="Split the migration, or ask the person whether it may take that long; if so, write "
            f'op.acknowledge("{blocking[0].rule}", "reason") in the migration.',
            next_tool="review_migration",
            revision=plan.revision,
        )
    told = "; ".join(each.message for each in found)
    return met(
        told or f"{forecast.seconds:.1f} s, others stopped for at most {forecast.longest_blocking_s:.1f} s"
    )
