"""What a rehearsal forecasts for the live run, for reading."""

from skill_server.application.views import shown
from skill_server.model.base import JsonObject
from skill_server.model.finding import Finding
from skill_server.model.plan import Plan
from skill_server.rehearse.findings import findings
from skill_server.rehearse.report import RehearsalReport
from skill_server.settings import PolicySettings

MOST_STEPS = 8
MOST_LOCKS = 5


def forecast_findings(
    report: RehearsalReport | None, plan: Plan, policy: PolicySettings
) -> tuple[Finding, ...]:
    """Return where the forecast of a rehearsal exceeds the policy; nothing where there is none."""
    if report is None or report.forecast is None:
        return ()
    environment = plan.target.environment
    return tuple(findings(report.forecast, policy, environment=environment, acknowledged=plan.acknowledged))


def forecast_view(report: RehearsalReport | None) -> JsonObject | None:
    """Return the forecast with what it was made from: the dearest steps and the longest locks of the copy."""
    if report is None or report.forecast is None:
        return None
    dearest = sorted(report.costs, key=lambda cost: -cost.measure.seconds)[:MOST_STEPS]
    return {
        **report.forecast.model_dump(mode="json", exclude={"blocked"}),
        "blocked": shown(report.forecast.blocked) if report.forecast.blocked else None,
        "on_the_copy": {
            "steps": [
                {
                    "id": shown(cost.step),
                    "backend": cost.backend,
                    **cost.measure.model_dump(mode="json", include={"seconds", "records", "wal_bytes"}),
                }
                for cost in dearest
            ],
            "locks": [
                {
                    "step": shown(lock.step),
                    "entity": shown(lock.entity),
                    "mode": lock.mode,
                    "held_s": round(lock.held_s, 3),
                    "stops": "readers and writers" if lock.stops_readers else "writers",
                }
                for lock in report.locks[:MOST_LOCKS]
            ],
        },
    }


def forecast_sentence(report: RehearsalReport) -> str:
    """Return the forecast in one sentence, or nothing."""
    forecast = report.forecast
    if forecast is None:
        return ""
    blocked = (
        f"stopping {'everybody' if forecast.longest_unreadable_s == forecast.longest_blocking_s else 'writers'} on "
        f"{shown(forecast.blocked)} for at most {forecast.longest_blocking_s:.2f} s"
        if forecast.blocked
        else "stopping nobody"
    )
    return f" Forecast for the live run: {forecast.seconds:.1f} s, {blocked}."
