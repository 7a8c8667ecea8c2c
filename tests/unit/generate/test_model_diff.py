"""The difference of the models is what a developer has to write, and nothing else."""

from __future__ import annotations

import json

import pytest

from skill_server.generate.document import page
from skill_server.generate.migration import Migration
from skill_server.generate.model_diff import model_diff, models
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Constraint, Entity, Field, Index, IndexKey, Snapshot
from tests.golden.plans import HERE, golden_plan

EDGES = Entity(
    name="odd things",
    native_name="odd things",
    fields=(
        Field(
            name="2 keys",
            native_name="2 keys",
            type=parse("Integer"),
            native_type="x",
            nullable=False,
            identity=True,
        ),
        Field(
            name="tags", native_name="tags", type=parse("Array(String(4))"), native_type="x", default="'{}'"
        ),
        Field(name="owner", native_name="owner", type=parse("Reference(owners)"), native_type="x"),
        Field(name="unknown", native_name="unknown", type=None, native_type="point"),
        Field(name="x", native_name="_retired_1_x", type=None, native_type="text"),
    ),
    constraints=(
        Constraint(
            name="fk",
            kind="foreign_key",
            fields=("owner",),
            definition="",
            references="owners",
            references_fields=("id",),
            on_delete="set null",
        ),
    ),
    indexes=(
        Index(name="ix", keys=(IndexKey(field="tags"),), unique=True, definition=""),
        Index(name="ix_words", keys=(IndexKey(field=None),), definition=""),
    ),
    key=("2 keys",),
)


def test_a_class_says_what_sqlalchemy_has_to_know() -> None:
    """Names that are no Python, arrays, references and unknown types all need a line that works."""
    snapshot = Snapshot(backend=BackendKind.POSTGRES, entities=(EDGES,), fingerprint="f")

    assert list(models(snapshot)) == [
        "class OddThings(Base):",
        '    __tablename__ = "odd things"',
        "    __table_args__ = (",
        "        Index(\"ix\", 'tags', unique=True),",
        "        # Index ix_words: write it by hand, see the SQL",
        "    )",
        "",
        "    _2_keys: Mapped[int] = mapped_column('2 keys', Integer, primary_key=True, autoincrement=True)",
        "    tags: Mapped[list[str] | None] = mapped_column(ARRAY(String(4)), server_default=text(\"'{}'\"))",
        '    owner: Mapped[Any | None] = mapped_column(ForeignKey("owners.id", name="fk", ondelete="SET NULL"))',
        "    unknown: Mapped[Any | None] = mapped_column()",
        "",
    ]


@pytest.mark.parametrize("name", ["copy_records", "transform_fields"])
def test_a_change_that_no_model_sees_says_so(name: str) -> None:
    """An empty answer would look like a fault."""
    assert model_diff(golden_plan(HERE / name)) == "no model changes\n"


@pytest.mark.parametrize(
    ("name", "gone", "new"),
    [
        ("add_field", [], ["    condition: Mapped"]),
        ("rename_entity", ["class Owners(Base):"], ["class People(Base):"]),
        ("drop_entity", ["class Owners(Base):"], []),
        ("move_entity", [], ['        {"schema": "stock"},']),
        ("drop_check", ["        CheckConstraint('(\"Quantity\" >= 0)', name="], []),
        ("add_check-one-of", [], ['        CheckConstraint(\'"Flag" IN (']),
        (
            "rename_field",
            ['        Index("ix_items_lower"'],
            ["        # Index ix_items_lower: write it by hand"],
        ),
        ("split_field", ["    Name: Mapped"], ["    first_name: Mapped", "    last_name: Mapped"]),
    ],
)
def test_what_goes_and_what_comes_is_marked(name: str, gone: list[str], new: list[str]) -> None:
    """A reader copies the lines with a plus and deletes those with a minus."""
    lines = model_diff(golden_plan(HERE / name)).splitlines()

    for mark, expected in (("-", gone), ("+", new)):
        marked = [line[1:] for line in lines if line.startswith(mark)]
        assert all(any(line.startswith(word) for line in marked) for word in expected)


def test_the_page_beside_a_migration_shows_the_difference() -> None:
    """People who review a migration edit the models in the same request."""
    folder = HERE / "add_field"
    change = json.loads((folder / "change.json").read_text())
    migration = Migration.model_validate(
        {"revision": "20260101_a", "summary": "A.", "reason": "B.", "changes": [change]}
    )
    plan = golden_plan(folder).model_copy(update={"subject": migration.digest})

    assert model_diff(plan) in page(migration, plan)
