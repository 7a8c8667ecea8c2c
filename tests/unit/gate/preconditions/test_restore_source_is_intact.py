"""MUST 3 for a restore: only a proven and intact backup of this target is put back."""

from skill_server.errors import Refused
from skill_server.gate.preconditions.restore_source_is_intact import restore_source_is_intact as ask
from skill_server.gate.verdict import State
from skill_server.model.plan import PlanKind
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_a_proven_backup_may_be_restored() -> None:
    """The usual case."""
    assert (await ask(a_plan(PlanKind.RESTORE), a_world_in_order().evidence())).state is State.MET


async def test_a_backup_the_ledger_does_not_know_is_refused() -> None:
    """A folder on disk is no evidence."""
    assert (await ask(a_plan(PlanKind.RESTORE), World().evidence())).code == "backup-unknown"


async def test_a_manifest_that_was_exchanged_is_refused() -> None:
    """The receipt is bound to the manifest's digest."""
    plan = a_plan(PlanKind.RESTORE, subject="0" * 32)
    assert (await ask(plan, a_world_in_order().evidence())).code == "backup-unknown"


async def test_damaged_files_are_refused() -> None:
    """Files are hashed again before a restore."""
    world = a_world_in_order()
    world.outside.damage = ("postgres: postgres.dump.zst is missing",)
    assert (await ask(a_plan(PlanKind.RESTORE), world.evidence())).code == "backup-damaged"


async def test_a_backup_that_cannot_be_opened_is_refused() -> None:
    """It would come out after the application was stopped."""
    world = a_world_in_order()
    world.outside.closed = Refused("backup-key-missing", "it is encrypted", help="Name the key.")
    verdict = await ask(a_plan(PlanKind.RESTORE), world.evidence())
    assert (verdict.code, verdict.help) == ("backup-key-missing", "Name the key.")
