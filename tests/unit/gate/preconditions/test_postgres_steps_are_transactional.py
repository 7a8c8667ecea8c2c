"""MUST 5: a statement that breaks out of its transaction closes the gate."""

from skill_server.gate.preconditions.postgres_steps_are_transactional import (
    postgres_steps_are_transactional as ask,
)
from skill_server.gate.verdict import State
from tests.support.evidence import a_finding, a_plan, a_world_in_order


async def test_steps_in_transactional_phases_pass() -> None:
    """Expand and contract are one transaction each."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_statement_that_the_review_refuses_blocks() -> None:
    """The parsers found transaction control inside a step."""
    world = a_world_in_order()
    world.outside.statements = (a_finding(step="postgres-01"),)
    assert (await ask(a_plan(), world.evidence())).code == "statement-refused"
