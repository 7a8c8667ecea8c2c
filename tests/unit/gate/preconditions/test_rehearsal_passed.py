"""MUST 4: only a passed, fresh rehearsal of this very plan counts."""

from skill_server.gate.preconditions.rehearsal_passed import rehearsal_passed as ask
from skill_server.gate.verdict import State
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_a_passed_rehearsal_of_this_plan_is_enough() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_rehearsal_of_another_plan_does_not_count() -> None:
    """Any edit gives another plan id."""
    verdict = await ask(a_plan(subject="0" * 32), a_world_in_order().evidence())
    assert (verdict.code, verdict.next_tool) == ("rehearsal-missing", "rehearse_migration")


async def test_a_failed_rehearsal_blocks_with_its_problem() -> None:
    """The reader learns what broke on the copy."""
    world = World()
    world.backed_up()
    world.rehearsed(passed=False)
    verdict = await ask(world.plan, world.evidence())
    assert verdict.code == "rehearsal-failed"
    assert "it broke" in verdict.evidence


async def test_a_rehearsal_from_before_another_change_does_not_count() -> None:
    """The copy it ran on is no longer the live data."""
    world = a_world_in_order()
    world.changed()
    assert (await ask(world.plan, world.evidence())).code == "rehearsal-outdated"
