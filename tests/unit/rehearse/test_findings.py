"""A forecast over the policy is a finding: an error in production, a warning elsewhere."""

from __future__ import annotations

import pytest

from skill_server.model.finding import Severity
from skill_server.rehearse.findings import findings
from skill_server.rehearse.forecast import Forecast
from skill_server.settings import PolicySettings

POLICY = PolicySettings(forecast_longest_lock_s=2, forecast_longest_run_s=60)
AT_THE_EDGE = Forecast(seconds=60, longest_blocking_s=2, blocked="items")
OVER = Forecast(seconds=61, longest_blocking_s=2.1, longest_unreadable_s=0.5, blocked="items")


def test_what_is_just_allowed_is_no_finding() -> None:
    """The limit itself is within the limit."""
    assert list(findings(AT_THE_EDGE, POLICY, environment="production")) == []


@pytest.mark.parametrize(
    ("environment", "severity"),
    [("development", Severity.WARNING), ("staging", Severity.WARNING), ("production", Severity.ERROR)],
)
def test_both_limits_are_named_with_their_numbers(environment: str, severity: Severity) -> None:
    """The reader learns who waits, how long, and how long was allowed."""
    lock, run = findings(OVER, POLICY, environment=environment)

    assert (lock.rule, run.rule) == ("blocks-longer-than-policy", "runs-longer-than-policy")
    assert {lock.severity, run.severity} == {severity}
    assert "writers of items wait 2.1 s" in lock.message
    assert "readers" not in lock.message
    assert "61 s" in run.message


def test_an_acknowledged_finding_is_shown_as_a_warning() -> None:
    """It was decided, not forgotten; the other one still stands."""
    lock, run = findings(OVER, POLICY, environment="production", acknowledged=("blocks-longer-than-policy",))

    assert (lock.severity, run.severity) == (Severity.WARNING, Severity.ERROR)


def test_a_lock_that_stops_readers_says_so() -> None:
    """Then nothing of the application works, not even looking."""
    (found,) = findings(
        Forecast(seconds=1, longest_blocking_s=3, longest_unreadable_s=3, blocked="items"),
        POLICY,
        environment="staging",
    )

    assert "readers and writers of items" in found.message
