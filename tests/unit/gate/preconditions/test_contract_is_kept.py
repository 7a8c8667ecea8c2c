"""MUST NOT break existing API contracts: a use of a name that goes away blocks the upgrade."""

from skill_server.gate.preconditions.contract_is_kept import contract_is_kept as ask
from skill_server.gate.verdict import State
from skill_server.model.plan import PlanKind
from tests.support.evidence import a_finding, a_plan, a_world_in_order


async def test_code_without_the_old_name_passes() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_remaining_use_blocks_with_its_place() -> None:
    """The reader learns where to mend."""
    world = a_world_in_order()
    world.outside.contracts = (a_finding(),)
    verdict = await ask(a_plan(), world.evidence())
    assert verdict.code == "contract-broken"
    assert "app/api.py:3 still uses ItemDesc" in verdict.evidence


async def test_a_downgrade_is_not_held_up_by_code() -> None:
    """The emergency way back stays open."""
    assert (
        await ask(a_plan(PlanKind.DOWNGRADE), a_world_in_order().evidence())
    ).state is State.NOT_APPLICABLE
