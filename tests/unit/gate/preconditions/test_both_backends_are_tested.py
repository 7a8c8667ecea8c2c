"""MUST 10: the project's own tests must have passed against both copies."""

from skill_server.gate.preconditions.both_backends_are_tested import both_backends_are_tested as ask
from skill_server.gate.verdict import State
from skill_server.model.receipt import EventKind
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


async def test_tests_that_passed_with_other_code_count_for_nothing() -> None:
    """Edited tests, and edited code under the same tests, were never run; of too much code nobody can tell."""
    world = a_world_in_order()
    world.outside.files = "edited"
    assert (await ask(world.plan, world.evidence())).code == "tests-outdated"

    world.outside.files = None
    verdict = await ask(world.plan, world.evidence())
    assert verdict.state is State.MET
    assert "is not known" in verdict.evidence


async def test_a_receipt_that_says_nothing_of_its_code_counts_for_nothing() -> None:
    """Older products did not look."""
    world = a_world_in_order()
    (receipt,) = [event for event in world.events if event.kind is EventKind.REHEARSAL]
    older = {key: word for key, word in receipt.bound.items() if key != "files"}
    world.events[receipt.seq - 1] = receipt.model_copy(update={"bound": older})

    assert (await ask(world.plan, world.evidence())).code == "tests-outdated"
