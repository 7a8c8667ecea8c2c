"""Models held against a schema that a plan predicts: where entities lie, and what cannot be foreseen."""

from pathlib import Path

import pytest

from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Entity, Field, Snapshot
from skill_server.project.models import models_match
from skill_server.project.read_models import read_models

HEAD = """from sqlalchemy import Integer
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "things"
"""


def found(folder: Path, native_name: str, *lines: str, **more: frozenset[str]) -> list[Finding]:
    """Return what a model with these lines differs in from an entity with one whole number, `a`."""
    (folder / "thing.py").write_text(HEAD + "".join(f"    {line}\n" for line in lines))
    field = Field(name="a", native_name="a", type=parse("Integer"), native_type="x", nullable=False)
    entity = Entity(name="things", native_name=native_name, fields=(field,))
    snapshot = Snapshot(backend=BackendKind.POSTGRES, entities=(entity,), fingerprint="f")
    return list(models_match(read_models(folder / "thing.py", folder), snapshot, **more))


FIELD = "a: Mapped[int]"
IN_A_TUPLE = '__table_args__ = (Index("i", "a"), {"schema": "archive"})'


@pytest.mark.parametrize(
    ("native_name", "arguments"),
    [
        ("things", "pass"),
        ("things", '__table_args__ = {"schema": "public"}'),
        ("archive.things", '__table_args__ = {"schema": "archive"}'),
        ("archive.things", IN_A_TUPLE),
    ],
)
def test_a_model_is_of_the_schema_that_it_names(tmp_path: Path, native_name: str, arguments: str) -> None:
    """An entity that was moved to another schema has a model that says so."""
    assert found(tmp_path, native_name, arguments, FIELD) == []


@pytest.mark.parametrize(
    ("native_name", "arguments", "help"),
    [
        ("archive.things", "pass", '__table_args__ = {"schema": "archive"}'),
        ("archive.things", '__table_args__ = {"schema": "old"}', '__table_args__ = {"schema": "archive"}'),
        ("things", '__table_args__ = {"schema": "old"}', "Leave the schema out"),
    ],
)
def test_a_model_that_looks_in_another_schema_brings_the_line_to_write(
    tmp_path: Path, native_name: str, arguments: str, help: str
) -> None:
    """Its queries would find no such table after the entity was moved."""
    (finding,) = found(tmp_path, native_name, arguments, FIELD)

    assert (finding.rule, finding.severity) == ("models-namespace", Severity.ERROR)
    assert help in finding.help


def test_a_schema_that_is_computed_was_not_understood(tmp_path: Path) -> None:
    """What was not read was not compared."""
    rules = [item.rule for item in found(tmp_path, "things", '__table_args__ = {"schema": SCHEMA}', FIELD)]

    assert rules == ["models-unreadable"]


def test_what_raw_statements_may_change_is_a_warning(tmp_path: Path) -> None:
    """Otherwise a statement that adds a column could never be applied with a model that has it."""
    more = (FIELD, "b: Mapped[int]")

    (stopped,) = found(tmp_path, "things", *more)
    (warned,) = found(tmp_path, "things", *more, unforeseen=frozenset({"things"}))
    assert (stopped.severity, warned.severity) == (Severity.ERROR, Severity.WARNING)
    assert "as far as the migration's own statements" in warned.message
    missing, _ = found(tmp_path, "others", FIELD, unforeseen=frozenset({"others"}))
    assert (missing.rule, missing.severity) == ("models-entity-missing", Severity.ERROR)


def test_an_entity_that_the_migration_makes_needs_a_model(tmp_path: Path) -> None:
    """The models are updated together with the schema, and only what was there before may go without."""
    _, note = found(tmp_path, "others", FIELD)
    _, error = found(tmp_path, "others", FIELD, wanted=frozenset({"things"}))

    assert (note.rule, note.severity) == ("models-entity-unmodelled", Severity.NOTE)
    assert (error.rule, error.severity) == ("models-entity-unmodelled", Severity.ERROR)
