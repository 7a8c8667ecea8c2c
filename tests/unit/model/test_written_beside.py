"""What triggers on the schema write is left out of comparisons only where there are such triggers."""

from __future__ import annotations

from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind, TargetIdentity
from skill_server.model.snapshot import Snapshot


def a_plan(*names: str) -> Plan:
    """Return a plan under a configuration that names these entities."""
    return Plan(
        kind=PlanKind.UPGRADE,
        revision=None,
        subject="s",
        target=TargetIdentity(name="development", environment="development", ledger_id="l"),
        source={},
        steps=(),
        policy={"gate": {"written_by_triggers": list(names)}},
    )


def a_schema(*triggers: str) -> Snapshot:
    """Return a schema with these triggers."""
    return Snapshot(backend=BackendKind.POSTGRES, entities=(), fingerprint="f", schema_triggers=triggers)


def test_a_name_in_the_configuration_hides_no_entity_of_a_database_without_such_triggers() -> None:
    """Else a line in a file of the project would switch a proof off."""
    plan = a_plan("ddl_log")

    assert plan.written_beside(a_schema("noting")) == {"ddl_log"}
    assert plan.written_beside(a_schema()) == frozenset()
    assert a_plan().written_beside(a_schema("noting")) == frozenset()
    assert plan.id != a_plan().id
