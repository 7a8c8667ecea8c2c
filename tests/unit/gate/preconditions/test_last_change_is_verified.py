"""MUST 9: an unverified change blocks the next one."""

from skill_server.gate.preconditions.last_change_is_verified import last_change_is_verified as ask
from skill_server.gate.verdict import State
from skill_server.model.receipt import EventKind
from tests.support.evidence import World, a_plan


async def test_before_the_first_change_there_is_nothing_to_verify() -> None:
    """A new target starts clean."""
    assert (await ask(a_plan(), World().evidence())).state is State.MET


async def test_a_change_without_a_passed_verification_blocks() -> None:
    """Neither a missing nor a failed verification is enough."""
    world = World()
    world.changed()
    assert (await ask(a_plan(), world.evidence())).code == "verification-missing"
    world.receipt(EventKind.VERIFICATION, {}, {"passed": False})
    assert (await ask(a_plan(), world.evidence())).next_tool == "verify_integrity"


async def test_a_passed_verification_after_the_change_opens() -> None:
    """It may be the change's own or a later one."""
    world = World()
    world.changed()
    world.receipt(EventKind.VERIFICATION, {}, {"passed": True})
    assert (await ask(a_plan(), world.evidence())).state is State.MET
