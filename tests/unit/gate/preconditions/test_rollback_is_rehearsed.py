"""MUST 6: the way back must have been walked on the copy."""

from skill_server.gate.preconditions.rollback_is_rehearsed import rollback_is_rehearsed as ask
from skill_server.gate.verdict import State
from skill_server.model.plan import PlanKind
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_a_rehearsed_way_back_is_enough() -> None:
    """Schema and content were equal again."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_without_a_rehearsal_the_rollback_is_unproven() -> None:
    """A downgrade that never ran is a hope."""
    assert (await ask(a_plan(), World().evidence())).code == "rollback-unproven"


async def test_a_finalize_has_only_the_backup_as_its_way_back() -> None:
    """A deletion is not undone by steps."""
    assert (await ask(a_plan(PlanKind.FINALIZE), World().evidence())).state is State.NOT_APPLICABLE
