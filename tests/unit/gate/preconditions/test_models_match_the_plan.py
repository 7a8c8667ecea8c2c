"""MUST 8: models that differ from the planned schema block."""

from skill_server.gate.preconditions.models_match_the_plan import models_match_the_plan as ask
from skill_server.gate.verdict import State
from skill_server.model.finding import Severity
from tests.support.evidence import a_finding, a_plan, a_world_in_order


async def test_models_equal_to_the_planned_schema_pass() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_model_that_was_not_updated_blocks_with_its_line() -> None:
    """The reader learns which line to write."""
    world = a_world_in_order()
    world.outside.models = (a_finding(help="Write it."),)
    verdict = await ask(a_plan(), world.evidence())
    assert verdict.code == "models-differ"
    assert "app/api.py:3" in verdict.evidence


async def test_a_project_without_models_says_so() -> None:
    """The configuration decides, and the checklist shows it."""
    world = a_world_in_order()
    world.outside.models = None
    assert (await ask(a_plan(), world.evidence())).state is State.NOT_APPLICABLE


async def test_what_is_no_error_does_not_block() -> None:
    """An entity without a model is a note; what raw statements leave is not foreseen, and the checklist says so."""
    world = a_world_in_order()
    world.outside.models = (
        a_finding(severity=Severity.NOTE, message="no model declares it"),
        a_finding(severity=Severity.WARNING, message="it differs, as far as is known"),
    )
    verdict = await ask(a_plan(), world.evidence())
    assert verdict.state is State.MET
    assert "it differs, as far as is known" in verdict.evidence
