"""Models are read without importing them, compared with a schema, and never guessed."""

from pathlib import Path

import pytest

from skill_server.errors import Refused
from skill_server.model.finding import Severity
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Entity, Field, Snapshot
from skill_server.project.models import ProjectModels, models_match
from skill_server.project.read_models import read_models

ROOT = Path(__file__).resolve().parents[3]
HEAD = """from __future__ import annotations
import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy import JSON, Column, Date, DateTime, Enum, ForeignKey, Integer, Numeric, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, declared_attr, column_property
from .money import Money

class Base(DeclarativeBase):
    pass

class Thing(Base):
    __tablename__ = "things"
"""


def read(tmp_path: Path, *lines: str) -> ProjectModels:
    """Read a model with these lines in its body."""
    path = tmp_path / "thing.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines))
    return read_models(path, tmp_path)


@pytest.mark.parametrize(
    ("line", "name", "kind", "nullable"),
    [
        ("a: Mapped[str] = mapped_column(String(40))", "a", "String(40)", False),
        ("a: Mapped[str | None] = mapped_column(String(length=40))", "a", "String(40)", True),
        ("a: Mapped['str | None'] = mapped_column(Text())", "a", "Text", True),
        ("a: 'Mapped[Optional[str]]' = mapped_column(sa.String)", "a", "Text", True),
        ("a: Mapped[Union[None, int]] = mapped_column('Item A', sa.Integer())", "Item A", "Integer", True),
        ("a: Mapped[int] = mapped_column(name='B', type_=BigInteger)", "B", None, False),
        ("a: Mapped[int]", "a", "Integer", False),
        ("a: Mapped[datetime.date | None]", "a", "Date", True),
        ("a: Mapped[str | None] = mapped_column(Text, nullable=False)", "a", "Text", False),
        ("a: Mapped[int | None] = mapped_column(Integer, primary_key=True)", "a", "Integer", False),
        ("a: Mapped[Decimal] = mapped_column(Numeric(12, scale=2))", "a", "Decimal(12,2)", False),
        ("a: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True))", "a", "Json", False),
        ("a: Mapped[datetime] = mapped_column(DateTime(timezone=True))", "a", "DateTime(tz)", False),
        ("a: Mapped[int] = mapped_column(ForeignKey('b.c'), Integer)", "a", "Integer", False),
        ("a = Column('A', Integer)", "A", "Integer", True),
        ("a = Column(Integer, primary_key=True)", "a", "Integer", False),
        ("a = mapped_column(Integer, nullable=False)", "a", "Integer", False),
    ],
)
def test_a_field_is_read_as_sqlalchemy_would(
    tmp_path: Path, line: str, name: str, kind: str | None, nullable: bool
) -> None:
    """Name, type and nullability follow the documentation of `mapped_column`."""
    models = read(tmp_path, line)

    (field,) = models.entities[0].fields
    assert (field.name, field.nullable, field.file, field.line) == (name, nullable, "thing.py", 13)
    assert (None if field.type is None else str(field.type)) == kind
    assert bool(models.unreadable) == (kind is None)


@pytest.mark.parametrize(
    "line",
    [
        "a: Mapped[list[Thing]] = relationship(back_populates='b')",
        "a: ClassVar[int] = 3",
        "a = 3",
        "__table_args__ = (UniqueConstraint('x'),)",
        "def to_dict(self): return {}",
    ],
)
def test_what_is_no_field_is_left_alone(tmp_path: Path, line: str) -> None:
    """Relationships and methods are no part of the schema."""
    models = read(tmp_path, line)

    assert models.entities[0].fields == ()
    assert models.unreadable == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a: Mapped[str] = mapped_column(Money)", "not imported from sqlalchemy"),
        ("a: Mapped[str] = mapped_column(Enum('a', 'b'))", "has no logical type"),
        ("a: Mapped[str] = mapped_column(String(SIZE))", "computed"),
        ("a: Mapped[Decimal] = mapped_column(Numeric)", "Numeric without precision"),
        ("a: Mapped[Colour]", "names no type"),
        ("a: Mapped[int] = mapped_column(*WORDS)", "unpacked"),
        ("a: Mapped[int] = mapped_column(Integer, **MORE)", "unpacked"),
        ("a: Mapped[int] = mapped_column(Integer, nullable=FLAG)", "nullable is computed"),
        ("a: Mapped[int] = column_property(b + c)", "is not read"),
        ("a: Mapped[int] = made_elsewhere()", "is not read"),
        ("@declared_attr\n    def a(cls): return mapped_column(Integer)", "declared_attr"),
        ("type_annotation_map = {}", "type_annotation_map"),
        ("__table__ = Table('a', m)", "a Table object is not read"),
        ("a: Mapped['int |'] = mapped_column(Integer)", "is no expression"),
    ],
)
def test_what_is_not_understood_is_said_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    """A guess could let a wrong model pass, or a right one fail."""
    (unreadable, *_) = read(tmp_path, line).unreadable

    assert message in unreadable.message
    assert unreadable.file == "thing.py"
    assert unreadable.line in {13, 14}


def test_a_computed_name_a_foreign_base_and_a_broken_file_are_said(tmp_path: Path) -> None:
    """What may hold fields that nobody saw must not count as read."""
    (tmp_path / "a.py").write_text("class A(Elsewhere):\n    __tablename__ = 'a'\n")
    (tmp_path / "b.py").write_text("class B:\n    __tablename__ = 'b' + 'c'\n")
    (tmp_path / "c.py").write_text("class C(:\n")
    (tmp_path / "d.py").write_bytes(b"x = '\xff'\n")

    said = {(each.file, each.line) for each in read_models(tmp_path, tmp_path).unreadable}

    assert said == {("a.py", 1), ("b.py", 2), ("c.py", 1), ("d.py", 1)}


def test_fields_are_inherited_from_a_mixin_in_another_file(tmp_path: Path) -> None:
    """A base class of the project is part of the model."""
    (tmp_path / "mixin.py").write_text(
        "from sqlalchemy import Date\nclass Dated:\n    a: Mapped[date] = mapped_column(Date)\n"
    )
    (tmp_path / "model.py").write_text("class A(Dated):\n    __tablename__ = 'a'\n    b: Mapped[int]\n")

    models = read_models(tmp_path, tmp_path)

    assert [field.name for field in models.entities[0].fields] == ["a", "b"]
    assert models.unreadable == ()


def test_the_models_of_the_sample_application_are_read_whole() -> None:
    """They are written as the first users write theirs."""
    sample = ROOT / "examples" / "item_management"

    models = read_models(sample / "app" / "models", sample)

    assert models.unreadable == ()
    assert {entity.name for entity in models.entities} == {
        "items",
        "item_types",
        "locations",
        "logs",
        "users",
    }
    items = next(entity for entity in models.entities if entity.name == "items")
    price = next(field for field in items.fields if field.name == "ItemPrice")
    assert (str(price.type), price.nullable) == ("String(32)", True)


def test_nothing_of_the_project_is_executed(tmp_path: Path) -> None:
    """Importing a model would run whatever stands beside it, with the server's credentials in reach."""
    trace = tmp_path / "trace"
    (tmp_path / "models.py").write_text(f"open({str(trace)!r}, 'w')\n")

    read_models(tmp_path, tmp_path)

    assert not trace.exists()


def test_models_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """A wrong path must not look like a project without models."""
    with pytest.raises(Refused, match="models-missing"):
        read_models(tmp_path / "no", tmp_path)


def schema(**types: str) -> Snapshot:
    """Return a schema of one entity; a type that ends in "?" may be empty."""
    fields = tuple(
        Field(
            name=name,
            native_name=name,
            type=parse(kind.rstrip("?")),
            native_type="x",
            nullable=kind.endswith("?"),
        )
        for name, kind in types.items()
    )
    entity = Entity(name="thing", native_name="things", fields=fields)
    return Snapshot(backend=BackendKind.POSTGRES, entities=(entity,), fingerprint="f")


def test_models_that_match_bring_no_finding(tmp_path: Path) -> None:
    """What a migration hid is no part of the schema that models describe."""
    models = read(tmp_path, "a: Mapped[str | None] = mapped_column(String(40))")

    assert models_match(models, schema(a="String(40)?", _retired_01234567_b="Text")) == ()


@pytest.mark.parametrize(
    ("line", "types", "rule", "help"),
    [
        (
            "a: Mapped[int]",
            {"a": "Integer", "b": "String(40)?"},
            "models-field-missing",
            "b: Mapped[str | None] = mapped_column(String(40))",
        ),
        (
            "a: Mapped[int]",
            {"a": "Integer", "Item B": "Date"},
            "models-field-missing",
            "Item_B: Mapped[date] = mapped_column('Item B', Date)",
        ),
        ("a: Mapped[int]", {}, "models-field-extra", "Remove the attribute a"),
        (
            "a: Mapped[int]",
            {"a": "Decimal(12,2)"},
            "models-type",
            "a: Mapped[Decimal] = mapped_column(Numeric(12, 2))",
        ),
        (
            "a: Mapped[int]",
            {"a": "Integer?"},
            "models-nullable",
            "a: Mapped[int | None] = mapped_column(Integer)",
        ),
        (
            "x: Mapped[int] = mapped_column('a')",
            {"a": "Integer?"},
            "models-nullable",
            "x: Mapped[int | None] = mapped_column('a', Integer)",
        ),
    ],
)
def test_a_difference_brings_the_line_to_write(
    tmp_path: Path, line: str, types: dict[str, str], rule: str, help: str
) -> None:
    """The author should be able to paste it."""
    (finding,) = models_match(read(tmp_path, line), schema(**types))

    assert (finding.rule, finding.severity, finding.file) == (rule, Severity.ERROR, "thing.py")
    assert help in finding.help


def test_an_entity_on_one_side_only_is_found(tmp_path: Path) -> None:
    """A model without an entity fails at run time; an entity without a model may be reached otherwise."""
    models = read(tmp_path)
    none = Snapshot(backend=BackendKind.POSTGRES, entities=(), fingerprint="f")

    assert [finding.rule for finding in models_match(models, none)] == ["models-entity-missing"]
    (note,) = models_match(ProjectModels(entities=()), schema())
    assert (note.rule, note.severity) == ("models-entity-unmodelled", Severity.NOTE)


def test_what_could_not_be_read_does_not_match(tmp_path: Path) -> None:
    """A model that was read by half proves nothing, and its other half is not reported as missing."""
    models = read(tmp_path, "a: Mapped[int]", "b: Mapped[int] = made_elsewhere()")

    (finding,) = models_match(models, schema(a="Integer", b="Integer"))

    assert (finding.rule, finding.severity, finding.line) == ("models-unreadable", Severity.ERROR, 14)
