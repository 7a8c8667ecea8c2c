"""An index or a check of the models is the one that the SQL makes, or a comment."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Table, Text
from sqlalchemy import Index as Made
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from skill_server.generate.model_sql import check_line, index_line
from skill_server.model.snapshot import Constraint, Entity, Field, Index, IndexKey

ENTITY = Entity(
    name="items",
    native_name="items",
    fields=tuple(Field(name=name, native_name=name, type=None, native_type="text") for name in ("A", "b")),
)
BEGIN = 'CREATE INDEX CONCURRENTLY "x" ON "public"."items" USING'


def an_index(definition: str, *keys: IndexKey) -> Index:
    """Return an index over A, or over these keys."""
    found = keys or (IndexKey(field="A"),)
    return Index(
        name="x", keys=found, definition=definition, fields=tuple(key.field for key in found if key.field)
    )


def built(line: str, folder: Path) -> str:
    """Return what SQLAlchemy sends for an index line of the models, from the table's name on."""
    (folder / "models.py").write_text(
        f"from sqlalchemy import Index, text\n\nMADE = {line.removesuffix(',')}\n"
    )
    index: Made = runpy.run_path(str(folder / "models.py"))["MADE"]
    Table("items", MetaData(), Column("A", Text), Column("b", Text), index)
    return str(CreateIndex(index).compile(dialect=postgresql.dialect())).partition(" ON items ")[2]


@pytest.mark.parametrize(
    "definition",
    [
        'btree ("A")',
        'btree (lower("A"), "b" DESC)',
        'btree ("A" text_pattern_ops, b)',
        'hash ("A")',
        """gin (f("A", '),('), (("b" || '"')))""",
        """btree ("A") WHERE (("A" <> ' :b'::text) AND (b IS NOT NULL))""",
    ],
)
def test_sqlalchemy_makes_of_a_line_what_the_statement_makes(definition: str, tmp_path: Path) -> None:
    """A line that makes another index would be found out by the next comparison with the database, or never."""
    usual = definition.removeprefix("btree ")

    assert built(index_line(ENTITY, an_index(f"{BEGIN} {definition}")), tmp_path) == (
        usual if usual != definition else f"USING {definition}"
    )


@pytest.mark.parametrize(
    "definition",
    ['btree ("A") INCLUDE (b)', 'btree ("A") NULLS NOT DISTINCT', """btree (lower("Old"), 'A')"""],
)
def test_an_index_that_cannot_be_said_is_a_comment(definition: str) -> None:
    """What is covered, how empty values compare and names that are gone are left to people."""
    assert index_line(ENTITY, an_index(f"{BEGIN} {definition}")) == "# Index x: write it by hand, see the SQL"


def test_a_plain_index_follows_a_field_that_got_another_name() -> None:
    """The definition was read before the rename, but the keys say all there is to say."""
    assert index_line(
        ENTITY, an_index(f'{BEGIN} btree ("Old" DESC)', IndexKey(field="A", descending=True))
    ) == ("""Index("x", text('"A" DESC')),""")


@pytest.mark.parametrize("keys", [(), (IndexKey(field=None),), (IndexKey(field="gone"),)])
def test_an_index_that_nothing_is_known_of_is_left_to_people(keys: tuple[IndexKey, ...]) -> None:
    """An index that comes back has a definition only in the database."""
    index = Index(name="x", keys=keys, definition="")

    assert index_line(ENTITY, index) == "# Index x: write it by hand, see the SQL"


@pytest.mark.parametrize(
    ("definition", "line"),
    [
        ('CHECK (("A" > 0))', """CheckConstraint('("A" > 0)', name="c"),"""),
        (
            'ALTER TABLE "items" ADD CONSTRAINT "c" CHECK ("A" IN (1, 2)) NOT VALID',
            """CheckConstraint('"A" IN (1, 2)', name="c"),""",
        ),
        ('CHECK (("A" > 0)) NO INHERIT', "# Check c: write it by hand, see the SQL"),
        ('CHECK (("Old" > 0))', "# Check c: write it by hand, see the SQL"),
        ("", "# Check c: write it by hand, see the SQL"),
    ],
)
def test_a_check_is_what_its_statement_makes_or_a_comment(definition: str, line: str) -> None:
    """The words of a check are those of PostgreSQL, whole or not at all."""
    check = Constraint(name="c", kind="check", fields=("A",), definition=definition)

    assert check_line(ENTITY, check) == line
