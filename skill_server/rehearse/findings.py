"""What a forecast means for those who use the databases, in the format of the review."""

from collections.abc import Collection, Iterator

from skill_server.model.finding import BLOCKS_LONGER, RUNS_LONGER, Finding, Severity
from skill_server.rehearse.forecast import Forecast
from skill_server.settings import PolicySettings


def findings(
    forecast: Forecast, policy: PolicySettings, *, environment: str, acknowledged: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield what the policy does not allow: an error in production unless it is acknowledged, a warning elsewhere."""

    def severity(rule: str) -> Severity:
        blocks = environment == "production" and rule not in acknowledged
        return Severity.ERROR if blocks else Severity.WARNING

    if forecast.longest_blocking_s > policy.forecast_longest_lock_s:
        who = (
            "readers and writers"
            if forecast.longest_unreadable_s >= forecast.longest_blocking_s
            else "writers"
        )
        yield Finding(
            rule=BLOCKS_LONGER,
            severity=severity(BLOCKS_LONGER),
            message=f"the forecast is that {who} of {forecast.blocked} wait {forecast.longest_blocking_s:.1f} s, "
            f"the policy allows {policy.forecast_longest_lock_s:g} s",
            help="Split the migration, or run it while nobody works and acknowledge this by name.",
            name=forecast.blocked,
        )
    if forecast.seconds > policy.forecast_longest_run_s:
        yield Finding(
            rule=RUNS_LONGER,
            severity=severity(RUNS_LONGER),
            message=f"the forecast is that the steps run {forecast.seconds:.0f} s, the policy allows "
            f"{policy.forecast_longest_run_s:g} s",
            help="Split the migration, or plan the time and acknowledge this by name.",
        )
