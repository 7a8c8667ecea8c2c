"""MUST 9: an unverified change blocks the next one, and so does a failed verification."""

import pytest

from skill_server.gate.preconditions.last_change_is_verified import last_change_is_verified as ask
from skill_server.gate.verdict import State
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import EventKind
from tests.support.evidence import World, a_plan


def verified(world: World, depth: str, *failed: str, told: bool = True) -> None:
    """Write a verification; what it found and does not hold up the next change is only `told` as not passed."""
    body = {
        "passed": not failed and told,
        "depth": depth,
        "failed": {check: ["it is so"] for check in failed},
    }
    world.receipt(EventKind.VERIFICATION, {}, body)


def a_changed_world() -> World:
    """Return a world with a change that verified itself."""
    world = World()
    world.changed()
    verified(world, "full")
    return world


async def test_before_the_first_change_there_is_nothing_to_verify() -> None:
    """A new target starts clean."""
    assert (await ask(a_plan(), World().evidence())).state is State.MET


async def test_a_change_without_a_verification_blocks() -> None:
    """One that is older than the change says nothing of it."""
    world = World()
    verified(world, "full")
    world.changed()
    verdict = await ask(a_plan(), world.evidence())
    assert (verdict.code, verdict.next_tool) == ("verification-missing", "verify_integrity")


async def test_a_passed_verification_after_the_change_opens() -> None:
    """It may be the change's own or a later one."""
    assert (await ask(a_plan(), a_changed_world().evidence())).state is State.MET


async def test_a_failed_verification_blocks_whatever_passed_before_it() -> None:
    """The newest word counts, and says what failed and how to ask again."""
    world = a_changed_world()
    verified(world, "full", "references")

    verdict = await ask(a_plan(), world.evidence())

    assert verdict.code == "verification-failed"
    assert "references: it is so" in verdict.evidence
    assert verdict.next_tool == "verify_integrity"
    assert verdict.next_args == {"depth": "full"}


@pytest.mark.parametrize(
    ("depths", "state"),
    [
        (("-full", "quick"), State.UNMET),
        (("-full", "counts"), State.UNMET),
        (("-full", "full"), State.MET),
        (("-quick", "quick"), State.MET),
        (("-quick", "full"), State.MET),
        (("-counts", "quick", "full"), State.MET),
        (("-full", "full", "-quick"), State.UNMET),
        (("-full", "-quick", "quick"), State.UNMET),
        (("-quick", "-full", "full", "quick"), State.MET),
    ],
)
async def test_only_a_verification_that_looks_as_deep_outdoes_a_failed_one(
    depths: tuple[str, ...], state: State
) -> None:
    """One that passes by looking away from what failed proves nothing of it."""
    world = a_changed_world()
    for depth in depths:
        verified(world, depth.removeprefix("-"), *(["references"] if depth.startswith("-") else []))

    assert (await ask(a_plan(), world.evidence())).state is state


async def test_what_was_unfinished_before_the_change_blocks_nothing() -> None:
    """The verification tells it, and nobody could mend it by another migration if it did."""
    world = a_changed_world()
    verified(world, "full", told=False)

    assert (await ask(a_plan(), world.evidence())).state is State.MET


async def test_a_receipt_that_does_not_say_what_failed_blocks_too() -> None:
    """Older products wrote no more than that it failed."""
    world = a_changed_world()
    world.receipt(EventKind.VERIFICATION, {}, {"passed": False, "depth": "full"})

    assert (await ask(a_plan(), world.evidence())).code == "verification-failed"


async def test_the_way_back_of_the_change_stays_open() -> None:
    """Whoever finds that a change did harm wants to undo it, and says so to a person who approves."""
    world = a_changed_world()
    verified(world, "full", "references")

    verdict = await ask(a_plan(PlanKind.DOWNGRADE), world.evidence())

    assert verdict.state is State.MET
    assert "references: it is so" in verdict.evidence
