"""MUST 2: a plan for one database alone is refused unless it says why."""

from skill_server.gate.preconditions.both_databases_are_covered import both_databases_are_covered as ask
from skill_server.gate.verdict import State
from skill_server.model.ids import BackendKind
from tests.support.evidence import a_plan, a_step, a_world_in_order


async def test_steps_on_both_databases_are_enough() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_plan_that_forgets_a_database_is_refused() -> None:
    """One database forgotten is how data is lost."""
    plan = a_plan(steps=(a_step(BackendKind.POSTGRES),))
    assert (await ask(plan, a_world_in_order().evidence())).code == "backend-skipped"


async def test_a_stated_reason_is_shown_instead_of_steps() -> None:
    """An author may say that a database has nothing to do."""
    plan = a_plan(
        steps=(a_step(BackendKind.POSTGRES),), not_applicable={BackendKind.MONGODB: "no such collection"}
    )
    assert "no such collection" in (await ask(plan, a_world_in_order().evidence())).evidence
