"""The SQL of indexes of every shape, and the expressions that are refused."""

from __future__ import annotations

import pytest

from skill_server.backends.postgres.render import index_shape
from skill_server.backends.postgres.render.scene import Scene
from skill_server.errors import MigrationError
from skill_server.model.action import BuildIndex
from skill_server.model.logical import parse
from skill_server.model.names import NameMap
from skill_server.model.snapshot import Entity, Field

PLACE = Scene(
    Entity(
        name="item",
        native_name="archive.item",
        fields=(
            Field(
                name="Name", native_name="Name", type=parse("String(9)"), native_type="character varying(9)"
            ),
            Field(name="amount", native_name="amount", type=parse("Integer"), native_type="integer"),
            Field(name="mood", native_name="mood", type=None, native_type="mood"),
        ),
    ),
    NameMap(),
    "20260101_change",
)


def shape(*fields: str, **words: object) -> BuildIndex:
    """Return the building of an index."""
    keys = [{"field": field} for field in fields]
    return BuildIndex.model_validate({"entity": "item", "name": "i", "keys": keys, **words})


def condition(field: str, operator: str, value: object = None) -> dict[str, object]:
    """Return one condition of a partial index."""
    return {"field": field, "operator": operator, "value": value}


START = 'INDEX "i" ON "archive"."item" USING'
MADE = {
    f'CREATE {START} btree ("Name", "amount")': shape("Name", "amount"),
    f'CREATE UNIQUE {START} btree (lower("Name"), "amount")': shape(
        "Name", "amount", unique=True, ignore_case=True
    ),
    f'CREATE {START} btree (("amount" + 1))': shape("amount", expression='"amount" + 1'),
    f"CREATE {START} gin (to_tsvector('simple'::regconfig, COALESCE(\"Name\", '')))": shape(
        "Name", method="text"
    ),
    f'CREATE {START} btree ("amount") WHERE (("Name" IS NOT NULL) AND ("mood" = \'it\'\'s\'::mood))': shape(
        "amount", where=[condition("Name", "present"), condition("mood", "=", "it's")]
    ),
    f'CREATE {START} btree ("Name") WHERE ("amount" >= \'1\'::integer)': shape(
        "Name", where=[condition("amount", ">=", 1)]
    ),
}
REFUSED = {
    "no key": shape(),
    "missing field": shape("Name", where=[condition("gone", "present")]),
    "wrong value": shape("Name", where=[condition("amount", "=", "many")]),
    "no value": shape("Name", where=[condition("amount", "=")]),
    "text of numbers": shape("amount", method="text"),
    "unique text": shape("Name", method="text", unique=True),
    "no case": shape("amount", ignore_case=True),
    "two expressions": shape("Name", expression="amount), (amount"),
    "clause after": shape("Name", expression="amount) FROM item WHERE (true"),
    "second statement": shape("Name", expression="amount); DROP TABLE item; --"),
    "comment": shape("Name", expression="amount -- hidden"),
    "subquery": shape("Name", expression="(SELECT max(amount) FROM item)"),
    "subquery inside": shape("Name", expression="amount + (SELECT 1)"),
    "alias": shape("Name", expression="amount) AS a, (amount"),
    "union": shape("Name", expression="amount) UNION SELECT (1"),
    "open bracket": shape("Name", expression="(amount"),
    "nothing": shape("Name", expression=" "),
}


@pytest.mark.parametrize(("statement", "action"), MADE.items(), ids=range(len(MADE)))
def test_an_index_is_written_as_the_server_reads_it(statement: str, action: BuildIndex) -> None:
    """The statement is in the plan that people read, and in the way back of a removal."""
    assert index_shape.definition(action, PLACE) == statement


@pytest.mark.parametrize("action", REFUSED.values(), ids=REFUSED.keys())
def test_a_shape_without_meaning_or_an_expression_that_is_more_is_refused(action: BuildIndex) -> None:
    """An expression of an author stands inside brackets and must not leave them."""
    with pytest.raises(MigrationError):
        index_shape.definition(action, PLACE)


def test_an_index_that_expires_says_that_nothing_is_deleted_here() -> None:
    """MongoDB deletes by such an index, PostgreSQL does not."""
    assert "deletes no rows" in index_shape.note(shape("amount", expire_after_s=60))
    assert index_shape.note(shape("amount")) == ""
