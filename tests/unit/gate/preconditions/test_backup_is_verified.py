"""MUST 3: a backup counts while it is proven, bound, fresh, newer than the last change, and intact."""

from skill_server.errors import Refused
from skill_server.gate.preconditions.backup_is_verified import backup_is_verified as ask
from skill_server.gate.verdict import State
from skill_server.model.ids import BackendKind
from tests.support.evidence import World, a_plan, a_world_in_order


async def test_a_proven_backup_of_these_schemas_is_enough() -> None:
    """The receipt was written only after the restored copy was compared."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_no_backup_is_refused() -> None:
    """MUST NOT run without a backup."""
    assert (await ask(a_plan(), World().evidence())).code == "backup-missing"


async def test_a_backup_of_another_schema_does_not_count() -> None:
    """A plan for another schema needs a backup of that schema."""
    plan = a_plan(source={BackendKind.POSTGRES: "other", BackendKind.MONGODB: "schema-of-mongodb"})
    assert (await ask(plan, a_world_in_order().evidence())).code == "backup-missing"


async def test_a_backup_from_before_the_last_change_does_not_count() -> None:
    """Restoring it would undo that change too."""
    world = a_world_in_order()
    world.changed()
    assert (await ask(a_plan(), world.evidence())).code == "backup-outdated"


async def test_an_old_backup_does_not_count() -> None:
    """What was written since would be lost."""
    world = World()
    world.backed_up(age_h=25)
    assert (await ask(a_plan(), world.evidence())).code == "backup-too-old"


async def test_a_backup_whose_file_changed_does_not_count() -> None:
    """Files are hashed again at every use."""
    world = a_world_in_order()
    world.outside.damage = ("postgres: postgres.dump.zst was changed",)
    assert (await ask(a_plan(), world.evidence())).code == "backup-damaged"


async def test_a_backup_that_cannot_be_opened_does_not_count() -> None:
    """A way back that nobody can go is none; the reason is passed on as it is."""
    world = a_world_in_order()
    world.outside.closed = Refused("backup-key-missing", "it is encrypted", help="Name the key.")
    verdict = await ask(a_plan(), world.evidence())
    assert (verdict.code, verdict.help) == ("backup-key-missing", "Name the key.")
