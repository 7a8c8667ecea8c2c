"""MUST 3: only a backup whose halves are each of one moment opens a change."""

import pytest

from skill_server.gate.preconditions.backup_is_of_one_moment import backup_is_of_one_moment as ask
from skill_server.gate.verdict import State
from skill_server.model.ids import BackendKind
from skill_server.model.plan import PlanKind
from skill_server.workflow import STAGES
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_a_backup_of_one_moment_is_enough() -> None:
    """A snapshot, or two readings that agree, proves it."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


@pytest.mark.parametrize("kind", BackendKind)
async def test_a_backup_that_was_written_to_while_it_was_taken_is_refused(kind: BackendKind) -> None:
    """F40: restoring it would give back a database that never was."""
    world = World()
    said = {other: other is not kind for other in BackendKind}
    world.backed_up(point_in_time=said)

    verdict = await ask(a_plan(), world.evidence())

    assert verdict.code == "backup-not-point-in-time"
    assert kind in verdict.evidence
    assert verdict.next_tool == "backup"


async def test_a_receipt_that_says_nothing_of_it_does_not_count() -> None:
    """What nobody looked at is not proven."""
    world = World()
    world.backed_up(point_in_time={})
    assert (await ask(a_plan(), world.evidence())).code == "backup-not-point-in-time"


async def test_without_a_backup_another_line_speaks() -> None:
    """`backup_is_verified` says what is missing then."""
    assert (await ask(a_plan(), World().evidence())).state is State.NOT_APPLICABLE


def test_it_guards_every_change_and_only_warns_of_a_restore() -> None:
    """In an emergency a torn backup may be the only one there is."""
    guarded = {kind for kind in PlanKind if "backup_is_of_one_moment" in STAGES[kind].requires}
    assert guarded == {PlanKind.UPGRADE, PlanKind.DOWNGRADE, PlanKind.FINALIZE}
