"""The gate asks every line and turns the first missing one into a refusal that says what to do."""

import pytest

from skill_server.errors import Refused
from skill_server.gate import gate, preconditions
from skill_server.workflow import STAGES, WORKFLOW
from tests.support.evidence import World, a_world_in_order


async def test_the_upgrade_opens_when_every_receipt_is_there() -> None:
    """All lines of the checklist hold at once in a world in order."""
    world = a_world_in_order()
    checklist = await gate.evaluate(STAGES["upgrade"].requires, world.plan, world.evidence())
    assert checklist.passed, [item.evidence for item in checklist.missing]


async def test_a_refusal_carries_the_whole_checklist_and_the_next_call() -> None:
    """A client that knows nothing else can go on from a refusal."""
    world = World()
    checklist = await gate.evaluate(STAGES["upgrade"].requires, world.plan, world.evidence())
    with pytest.raises(Refused) as refusal:
        gate.require(checklist, stage="run_upgrade", common_args={"target": "development"})
    assert refusal.value.next_tool == "detect_db_type"
    assert refusal.value.next_args == {"target": "development"}
    assert len(refusal.value.detail["checklist"]) == len(STAGES["upgrade"].requires)


def test_every_stage_names_preconditions_that_exist_and_every_precondition_is_used() -> None:
    """A line nobody asks protects nobody."""
    required = {name for stage in WORKFLOW for name in stage.requires}
    assert required == set(preconditions.discovered())


def test_all_ten_duties_guard_the_upgrade() -> None:
    """The ten MUST lines of the checklist each have a precondition at the upgrade."""
    known = preconditions.discovered()
    duties = {known[name].duty for name in STAGES["upgrade"].requires}
    assert {f"MUST {number}" for number in range(1, 11)} <= duties
