"""MUST 1 opens and closes by a detection receipt alone."""

from dataclasses import replace

from skill_server.gate.preconditions.database_type_is_detected import database_type_is_detected as ask
from skill_server.gate.verdict import State
from tests.support.evidence import WORDS, World, a_world_in_order


async def test_a_fresh_detection_of_these_servers_is_enough() -> None:
    """The receipt is bound to the servers that answer now."""
    assert (await ask(None, a_world_in_order().evidence())).state is State.MET


async def test_an_old_detection_does_not_count() -> None:
    """A server may have been replaced since."""
    world = World()
    world.detected(age_h=25)
    assert (await ask(None, world.evidence())).code == "detection-missing"


async def test_a_detection_of_other_servers_does_not_count() -> None:
    """A clone has the same ledger but another identity."""
    evidence = replace(a_world_in_order().evidence(), identity_words={**WORDS, "postgres.server": "another"})
    assert (await ask(None, evidence)).next_tool == "detect_db_type"
