"""MUST NOT leave inconsistent data: a plan runs on the schemas it was made for."""

from dataclasses import replace

from skill_server.gate.preconditions.schema_is_as_planned import schema_is_as_planned as ask
from skill_server.gate.verdict import State
from skill_server.model.ids import BackendKind
from tests.support.evidence import SOURCE, a_plan, a_world_in_order, with_policy


async def test_unchanged_schemas_pass() -> None:
    """The usual case."""
    assert (await ask(a_plan(), a_world_in_order().evidence())).state is State.MET


async def test_a_drifted_schema_blocks_and_is_named() -> None:
    """Somebody changed the database by other means."""
    evidence = replace(a_world_in_order().evidence(), fingerprints={**SOURCE, BackendKind.MONGODB: "drifted"})
    verdict = await ask(a_plan(), evidence)
    assert verdict.code == "schema-drifted"
    assert "mongodb" in verdict.evidence


async def test_connected_clients_block_where_the_policy_asks_for_quiet() -> None:
    """Some teams stop the application first."""
    evidence = replace(a_world_in_order().evidence(), writers=("postgres: item app",))
    assert (await ask(a_plan(), evidence)).state is State.MET
    assert (await ask(a_plan(), with_policy(evidence, require_quiet=True))).code == "not-quiet"
