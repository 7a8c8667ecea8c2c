"""MUST NOT destroy without a person: one fresh, unspent, genuine approval of this plan."""

from skill_server.gate.preconditions.person_approved import person_approved as ask
from skill_server.gate.verdict import State
from skill_server.model.receipt import EventKind
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_a_fresh_approval_of_this_plan_is_enough() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_an_approval_of_another_plan_does_not_count() -> None:
    """Approve plan A, run plan B."""
    assert (await ask(a_plan(subject="0" * 32), a_world_in_order().evidence())).code == "approval-missing"


async def test_an_approval_counts_once() -> None:
    """A replayed yes is no yes."""
    world = World()
    approval = world.approved()
    world.receipt(EventKind.SPENT, {"plan": world.plan.id}, unique=f"spent:{approval.seq}")
    assert (await ask(world.plan, world.evidence())).code == "approval-missing"


async def test_an_old_approval_does_not_count() -> None:
    """The world may have moved since."""
    world = World()
    world.approved(age_h=5)
    assert (await ask(world.plan, world.evidence())).code == "approval-missing"


async def test_an_approval_whose_signature_no_longer_holds_does_not_count() -> None:
    """It is checked again at use, against the list of that moment."""
    world = a_world_in_order()
    world.outside.approval = False
    assert (await ask(world.plan, world.evidence())).code == "approval-missing"
