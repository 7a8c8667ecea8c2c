"""MUST NOT touch production untested: a forecast over the policy closes the gate there, and only there."""

from __future__ import annotations

from typing import Literal

import pytest

from skill_server.gate.preconditions.forecast_is_within_policy import forecast_is_within_policy as ask
from skill_server.gate.verdict import State, Verdict
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import EventKind
from skill_server.rehearse.forecast import Forecast
from tests.support.evidence import LABEL, TARGET, World, a_plan

SHORT = Forecast(seconds=3, longest_blocking_s=0.1)
BLOCKING = Forecast(seconds=3, longest_blocking_s=7, longest_unreadable_s=7, blocked="items")
LONG = Forecast(seconds=9000, longest_blocking_s=0.1)
Environment = Literal["development", "staging", "production"]


async def asked(
    forecast: Forecast | None,
    *,
    environment: Environment = "production",
    kind: PlanKind = PlanKind.UPGRADE,
    acknowledged: tuple[str, ...] = (),
) -> Verdict:
    """Return the verdict on a plan whose rehearsal forecast this."""
    target = TARGET.model_copy(update={"environment": environment})
    world = World(plan=a_plan(kind, target=target, acknowledged=acknowledged))
    body = {"passed": True, "forecast": forecast.model_dump(mode="json") if forecast else None}
    world.receipt(EventKind.REHEARSAL, {"plan": world.plan.id, "label": LABEL}, body)
    return await ask(world.plan, world.evidence())


async def test_a_short_run_may_go_to_production() -> None:
    """The usual case, with the numbers as evidence."""
    verdict = await asked(SHORT)
    assert verdict.state is State.MET
    assert "3.0 s" in verdict.evidence


@pytest.mark.parametrize(
    ("forecast", "rule"), [(BLOCKING, "blocks-longer-than-policy"), (LONG, "runs-longer-than-policy")]
)
async def test_a_forecast_over_the_policy_blocks_production_until_it_is_acknowledged_by_name(
    forecast: Forecast, rule: str
) -> None:
    """Nobody stops an application for minutes by accident."""
    verdict = await asked(forecast)
    assert (verdict.code, verdict.next_tool) == ("forecast-over-policy", "review_migration")
    assert rule in (verdict.help or "")
    assert (await asked(forecast, acknowledged=(rule,))).state is State.MET
    assert (await asked(forecast, acknowledged=("ItemDesc",))).code == "forecast-over-policy"


@pytest.mark.parametrize("environment", ["development", "staging"])
async def test_elsewhere_a_long_lock_is_said_and_stops_nothing(environment: Environment) -> None:
    """Nobody waits there but those who test."""
    verdict = await asked(BLOCKING, environment=environment)
    assert verdict.state is State.MET
    assert "wait 7.0 s" in verdict.evidence


async def test_production_needs_a_forecast() -> None:
    """Without one nobody knows what will be stopped."""
    assert (await asked(None)).code == "forecast-missing"
    assert (await asked(None, environment="staging")).state is State.NOT_APPLICABLE


async def test_the_way_back_is_not_held_to_a_forecast() -> None:
    """Who must go back has no time to split anything."""
    assert (await asked(BLOCKING, kind=PlanKind.DOWNGRADE)).state is State.NOT_APPLICABLE
