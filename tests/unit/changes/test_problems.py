"""What makes a change impossible is found in the snapshot of either database, before anything is planned."""

from typing import Any

import pytest

from skill_server import changes
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from tests.unit.changes.problem_cases import CASES, FINE, ONLY_DECLARED, Case
from tests.unit.changes.schema import snapshot


def found(
    kind: str, /, *, backend: BackendKind = BackendKind.POSTGRES, records: int = 5, **arguments: Any
) -> list[Finding]:
    """Return what a change would run into."""
    change = changes.build(kind, **arguments)
    return list(change.problems(snapshot(backend, records=records)))


def rules(findings: list[Finding]) -> list[str]:
    """Return the rules of findings."""
    return [finding.rule for finding in findings]


def names(cases: list[Case]) -> list[str]:
    """Return what each case is called: its change, what that runs into, and its place."""
    return [f"{kind}-{expected[0]}-{place}" for place, (kind, _, expected) in enumerate(cases)]


@pytest.mark.parametrize("backend", BackendKind)
@pytest.mark.parametrize(("kind", "arguments", "expected"), CASES, ids=names(CASES))
def test_an_impossible_change_is_an_error(
    kind: str, arguments: dict[str, Any], expected: list[str], backend: BackendKind
) -> None:
    """Each error names the backend, so the author knows on which side to look."""
    findings = found(kind, backend=backend, **arguments)

    assert rules(findings) == expected
    assert {(finding.severity, finding.backend) for finding in findings} == {(Severity.ERROR, backend)}


@pytest.mark.parametrize("backend", BackendKind)
@pytest.mark.parametrize(
    ("kind", "arguments"), FINE, ids=[f"{case[0]}-{place}" for place, case in enumerate(FINE)]
)
def test_a_possible_change_has_no_problem(kind: str, arguments: dict[str, Any], backend: BackendKind) -> None:
    """A check that is never silent says nothing."""
    assert found(kind, backend=backend, **arguments) == []


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    ONLY_DECLARED,
    ids=names(ONLY_DECLARED),
)
def test_what_only_a_database_with_declarations_knows_is_an_error_there_alone(
    kind: str, arguments: dict[str, Any], expected: list[str]
) -> None:
    """MongoDB declares neither types nor constraints, so it cannot contradict."""
    assert rules(found(kind, **arguments)) == expected
    assert found(kind, backend=BackendKind.MONGODB, **arguments) == []


def test_a_copy_asks_each_database_for_what_it_reads_or_writes_there() -> None:
    """Records that come from the other database need no field here under their old name."""
    arguments: dict[str, Any] = {
        "entity": "users",
        "source": "items",
        "mapping": {"UserID": "ItemID", "gone": "missing"},
        "key": ["UserID"],
        "database": "mongodb",
    }
    assert [item.name for item in found("copy_records", **arguments)] == ["gone"]
    read = found("copy_records", backend=BackendKind.MONGODB, **arguments)
    assert [item.name for item in read] == ["missing"]
    del arguments["database"]
    here = found("copy_records", **arguments)
    assert [item.name for item in here] == ["missing", "gone"]


@pytest.mark.parametrize("kind", changes.catalogue())
def test_every_change_is_seen_with_a_problem_and_without(kind: str) -> None:
    """A change whose check is never seen firing may have none."""
    silent = {"undo"}
    assert kind in silent | {case[0] for case in (*CASES, *ONLY_DECLARED)}
    assert kind in {case[0] for case in FINE}


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
    """Kept values are put back by key, so it cannot go; its type may change where a schema declares it."""
    assert rules(found("drop_field", entity="items", field="ItemID")) == ["field-is-key"]
    assert found("retype_field", entity="items", field="ItemID", was="Integer", to="BigInteger") == []


def test_an_index_name_is_taken_in_the_whole_schema_of_postgres_only() -> None:
    """PostgreSQL has one name space for indexes, MongoDB one for each entity."""
    arguments: dict[str, Any] = {"entity": "users", "name": "ix_name"}

    assert rules(found("restore_index", **arguments)) == ["index-exists"]
    assert found("restore_index", backend=BackendKind.MONGODB, **arguments) == []
