"""What makes a change impossible is found in the snapshot of either database, before anything is planned."""

from typing import Any

import pytest

from skill_server import changes
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Entity, Field, Index, IndexKey, Snapshot

TYPES = {"ItemID": "Integer", "ItemName": "String(200)", "ItemDesc": "Text", "ItemPrice": "String(32)"}


def snapshot(backend: BackendKind, *, records: int = 5) -> Snapshot:
    """Return a small schema as either database shows it."""
    fields = tuple(
        Field(name=name, native_name=name, type=parse(kind), native_type="x") for name, kind in TYPES.items()
    )
    index = Index(name="ix_name", keys=(IndexKey(field="ItemName"),), definition="x")
    key = ("ItemID",) if backend is BackendKind.POSTGRES else ("_id",)
    items = Entity(
        name="items", native_name="items", fields=fields, indexes=(index,), key=key, records=records
    )
    users = Entity(name="users", native_name="users", records=records)
    return Snapshot(backend=backend, entities=(items, users), fingerprint="f")


def found(
    kind: str, /, *, backend: BackendKind = BackendKind.POSTGRES, records: int = 5, **arguments: Any
) -> list[Finding]:
    """Return what a change would run into."""
    change = changes.build(kind, **arguments)
    return list(change.problems(snapshot(backend, records=records)))


def rules(findings: list[Finding]) -> list[str]:
    """Return the rules of findings."""
    return [finding.rule for finding in findings]


CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("add_field", {"entity": "item", "field": "a", "type": "Text"}, ["entity-unknown"]),
    ("add_field", {"entity": "items", "field": "ItemName", "type": "Text"}, ["field-exists"]),
    ("add_field", {"entity": "items", "field": "a", "type": "Text", "nullable": False}, ["default-required"]),
    (
        "add_field",
        {"entity": "items", "field": "a", "type": "String(2)", "default": "abc"},
        ["default-does-not-fit"],
    ),
    ("rename_field", {"entity": "items", "field": "ItemDsc", "to": "a"}, ["field-unknown"]),
    ("rename_field", {"entity": "items", "field": "ItemDesc", "to": "ItemName"}, ["field-exists"]),
    ("rename_field", {"entity": "thing", "field": "ItemDesc", "to": "ItemName"}, ["entity-unknown"]),
    ("drop_field", {"entity": "items", "field": "nothing"}, ["field-unknown"]),
    ("drop_field", {"entity": "items", "field": "ItemName", "fill": 3}, ["default-does-not-fit"]),
    (
        "retype_field",
        {"entity": "items", "field": "ItemPrice", "was": "String(32)", "to": "Binary"},
        ["conversion-unknown"],
    ),
    (
        "retype_field",
        {"entity": "items", "field": "ItemDesc", "was": "Text", "to": "Text"},
        ["conversion-changes-nothing"],
    ),
    ("add_index", {"entity": "items", "name": "ix_name", "fields": ["ItemName"]}, ["index-exists"]),
    ("add_index", {"entity": "items", "name": "ix_new", "fields": ["no", "ItemName"]}, ["field-unknown"]),
    ("drop_index", {"entity": "items", "name": "ix_nam"}, ["index-unknown"]),
    ("remove_index", {"entity": "items", "name": "ix_nam", "fields": ["a"]}, ["index-unknown"]),
    ("restore_index", {"entity": "items", "name": "ix_name"}, ["index-exists"]),
    ("remove_field", {"entity": "items", "field": "no", "type": "Text"}, ["field-unknown"]),
    ("restore_field", {"entity": "items", "field": "ItemName"}, ["field-exists"]),
    ("restore_type", {"entity": "items", "field": "no", "was": "Text", "to": "Integer"}, ["field-unknown"]),
]
FINE: list[tuple[str, dict[str, Any]]] = [
    ("add_field", {"entity": "items", "field": "a", "type": "Text", "nullable": False, "default": ""}),
    ("rename_field", {"entity": "items", "field": "ItemDesc", "to": "description"}),
    ("drop_field", {"entity": "items", "field": "ItemDesc", "fill": "x"}),
    ("retype_field", {"entity": "items", "field": "ItemPrice", "was": "String(32)", "to": "Decimal(12,2)"}),
    ("add_index", {"entity": "items", "name": "ix_new", "fields": ["-ItemPrice"]}),
    ("drop_index", {"entity": "items", "name": "ix_name"}),
    ("remove_index", {"entity": "items", "name": "ix_name", "fields": ["ItemName"]}),
    ("restore_index", {"entity": "items", "name": "ix_gone"}),
    ("remove_field", {"entity": "items", "field": "ItemDesc", "type": "Text"}),
    ("restore_field", {"entity": "items", "field": "gone"}),
    ("restore_type", {"entity": "items", "field": "ItemPrice", "was": "Text", "to": "Integer"}),
]


@pytest.mark.parametrize("backend", BackendKind)
@pytest.mark.parametrize(
    ("kind", "arguments", "expected"), CASES, ids=[f"{case[0]}-{case[2][0]}" for case in CASES]
)
def test_an_impossible_change_is_an_error(
    kind: str, arguments: dict[str, Any], expected: list[str], backend: BackendKind
) -> None:
    """Each error names the backend, so the author knows on which side to look."""
    findings = found(kind, backend=backend, **arguments)

    assert rules(findings) == expected
    assert {(finding.severity, finding.backend) for finding in findings} == {(Severity.ERROR, backend)}


@pytest.mark.parametrize("backend", BackendKind)
@pytest.mark.parametrize(("kind", "arguments"), FINE, ids=[case[0] for case in FINE])
def test_a_possible_change_has_no_problem(kind: str, arguments: dict[str, Any], backend: BackendKind) -> None:
    """A check that is never silent says nothing."""
    assert found(kind, backend=backend, **arguments) == []


def test_a_misspelt_name_brings_the_nearest_one() -> None:
    """The correction should be in the refusal."""
    assert "ItemDesc" in found("drop_field", entity="items", field="itemdesk")[0].help
    assert "items" in found("drop_field", entity="item", field="x")[0].help
    assert "ix_name" in found("drop_index", entity="items", name="ix_nam")[0].help


def test_a_field_nobody_saw_in_an_empty_entity_of_mongodb_is_a_warning() -> None:
    """MongoDB knows fields from records alone, so where there is none it cannot contradict."""
    arguments: dict[str, Any] = {"entity": "users", "field": "UserName"}

    empty = found("drop_field", backend=BackendKind.MONGODB, records=0, **arguments)
    filled = found("drop_field", backend=BackendKind.MONGODB, records=1, **arguments)
    postgres = found("drop_field", records=0, **arguments)

    assert [finding.severity for finding in empty] == [Severity.WARNING]
    assert [finding.severity for finding in filled] == [Severity.ERROR]
    assert [finding.severity for finding in postgres] == [Severity.ERROR]


def test_a_conversion_that_loses_digits_is_a_warning() -> None:
    """The old values are kept, so a person may accept it, but must see it."""
    findings = found(
        "retype_field",
        entity="items",
        field="ItemPrice",
        was="Float",
        to="Integer",
        backend=BackendKind.MONGODB,
    )

    assert [(finding.rule, finding.severity) for finding in findings] == [
        ("conversion-lossy", Severity.WARNING)
    ]


def test_the_type_that_postgres_declares_contradicts_the_author() -> None:
    """A conversion from a type that is not there would be planned on a wrong belief; MongoDB declares no types."""
    arguments: dict[str, Any] = {"entity": "items", "field": "ItemPrice", "was": "Text", "to": "Integer"}

    assert rules(found("retype_field", **arguments)) == ["type-differs"]
    assert found("retype_field", backend=BackendKind.MONGODB, **arguments) == []


def test_the_key_of_an_entity_stays() -> None:
    """Kept values are put back by key, so the key itself can neither go nor change its type."""
    assert rules(found("drop_field", entity="items", field="ItemID")) == ["field-is-key"]
    retyped = found("retype_field", entity="items", field="ItemID", was="Integer", to="BigInteger")
    assert rules(retyped) == ["field-is-key"]


def test_an_index_name_is_taken_in_the_whole_schema_of_postgres_only() -> None:
    """PostgreSQL has one name space for indexes, MongoDB one for each entity."""
    arguments: dict[str, Any] = {"entity": "users", "name": "ix_name"}

    assert rules(found("restore_index", **arguments)) == ["index-exists"]
    assert found("restore_index", backend=BackendKind.MONGODB, **arguments) == []
