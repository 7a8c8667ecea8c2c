"""MUST NOT leave inconsistent data: an open run blocks everything but its own continuation and a restore."""

from skill_server.gate.preconditions.no_run_is_unfinished import no_run_is_unfinished as ask
from skill_server.gate.verdict import State
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import EventKind
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_a_quiet_ledger_passes() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_another_unfinished_plan_blocks() -> None:
    """It must end first."""
    world = World()
    world.receipt(EventKind.STARTED, {"plan": "f" * 32})
    assert (await ask(a_plan(), world.evidence())).code == "run-unfinished"


async def test_the_unfinished_plan_itself_may_go_on() -> None:
    """A crash is resumed by the same call."""
    world = World()
    world.receipt(EventKind.STARTED, {"plan": world.plan.id})
    assert (await ask(world.plan, world.evidence())).state is State.MET


async def test_a_run_that_needs_attention_blocks_all_but_a_restore() -> None:
    """The way out is named."""
    world = World()
    world.changed("needs_attention")
    assert (await ask(a_plan(), world.evidence())).code == "attention-needed"
    assert (await ask(a_plan(PlanKind.RESTORE), world.evidence("restore"))).state is State.MET
