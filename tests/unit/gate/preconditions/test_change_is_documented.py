"""MUST 7: the document must belong to this migration."""

from skill_server.gate.preconditions.change_is_documented import change_is_documented as ask
from skill_server.gate.verdict import State
from tests.support.evidence import a_plan, a_world_in_order


async def test_a_document_of_this_migration_is_enough() -> None:
    """The page names the migration's digest."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_missing_or_stale_document_blocks() -> None:
    """A page of an older version describes another change."""
    world = a_world_in_order()
    for stale in (None, "0" * 32):
        world.outside.documented = stale
        assert (await ask(a_plan(), world.evidence())).code == "document-missing"
