"""MUST 10: the project's own tests must have passed against both copies."""

from skill_server.gate.preconditions.both_backends_are_tested import both_backends_are_tested as ask
from skill_server.gate.verdict import State
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_passed_tests_on_both_copies_are_enough() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_backend_whose_tests_failed_blocks() -> None:
    """A rehearsal alone does not show that the application works."""
    world = World()
    world.rehearsed(tested=False)
    assert (await ask(world.plan, world.evidence())).code == "tests-missing"


async def test_without_a_test_command_the_rehearsal_decides() -> None:
    """The checklist says that no tests are configured."""
    world = World()
    world.outside.tests = False
    world.rehearsed(tested=False)
    assert "no test command" in (await ask(world.plan, world.evidence())).evidence
