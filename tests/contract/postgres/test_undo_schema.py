"""Tables, constraints, defaults and raw statements on PostgreSQL: up, down and up again, with nothing lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skill_server.model import action as actions
from skill_server.model.action import Action, CheckSpec, FieldSpec, ReferenceSpec
from skill_server.model.logical import parse
from skill_server.model.rule import Rule
from skill_server.model.snapshot import Condition, IndexKey
from tests.contract.postgres.undo import SHOP, Place

# What leans on the tables beyond the shop, and goes along with them.
MORE = """
UPDATE item SET code = 'B3' WHERE code IS NULL;
COMMENT ON CONSTRAINT line_code_fkey ON line IS 'a line is of an item';
COMMENT ON CONSTRAINT "item_Type_fkey" ON item IS 'an item has a type';
ALTER TABLE line ADD COLUMN follows integer REFERENCES line (id);
COMMENT ON CONSTRAINT line_follows_fkey ON line IS 'its own';
CREATE STATISTICS together ON amount, price FROM item;
ALTER TABLE keyless ADD CONSTRAINT late CHECK (number < 1000) NOT VALID;
"""


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database that holds the shop, without the view that would keep `item` where it is."""
    made = Place(postgres_database)
    await made.execute(SHOP, "DROP VIEW shown", MORE)
    yield made


def check(name: str, field: str, rule: Rule, entity: str = "item") -> actions.AddConstraint:
    """Return the addition of a rule."""
    return actions.AddConstraint(entity=entity, name=name, spec=CheckSpec(field=field, rule=rule))


def index(name: str, *fields: str, **words: object) -> actions.BuildIndex:
    """Return the building of an index of another shape."""
    return actions.BuildIndex.model_validate(
        {"entity": "item", "name": name, "keys": [IndexKey(field=field) for field in fields], **words}
    )


VISIT = actions.AddEntity(
    entity="visit",
    fields=(
        FieldSpec(name="id", type=parse("BigInteger"), identity=True),
        FieldSpec(name="Day", type=parse("Date"), nullable=False),
        FieldSpec(name="note", type=parse("String(40)"), default="it's \\ new"),
    ),
    key=("id",),
)
REFERENCE = actions.AddConstraint(
    entity="keyless",
    name="keyless_number",
    spec=ReferenceSpec(field="number", references="item", references_field="id", on_delete="set null"),
)

ACTIONS: dict[str, Action] = {
    "add-entity": VISIT,
    "rename-entity": actions.RenameEntity(entity="item", to="thing"),
    "rename-referenced-entity": actions.RenameEntity(entity="type", to="kind"),
    "move-entity": actions.MoveEntity(entity="item", was="public", to="archive"),
    "retire-entity": actions.RetireEntity(entity="item"),
    "retire-entity-of-itself": actions.RetireEntity(entity="line"),
    "retire-referenced-entity": actions.RetireEntity(entity="type"),
    "retire-keyless-entity": actions.RetireEntity(entity="keyless"),
    "set-default": actions.SetDefault(entity="item", field="note", default="it's \\"),
    "change-default": actions.SetDefault(entity="item", field="price", default="1.50"),
    "drop-default": actions.SetDefault(entity="item", field="price"),
    "drop-sequence-default": actions.SetDefault(entity="type", field="id"),
    "require": actions.SetNullable(entity="item", field="code", nullable=False),
    "allow-empty": actions.SetNullable(entity="item", field="touched", nullable=True),
    "add-bounds": check("amount_bounds", "amount", Rule(minimum=0, maximum=2147483.5)),
    "add-list": check("status_list", "status", Rule(one_of=("new", "old", "it's (x) \\"))),
    "add-lengths": check("name_length", "ItemName", Rule(min_length=1, max_length=60)),
    "add-pattern": check("code_pattern", "code", Rule(pattern="^.[0-9]$")),
    "add-reference": REFERENCE,
    "retire-check": actions.RetireConstraint(entity="item", name="no_debts", of="check", field="price"),
    "retire-late-check": actions.RetireConstraint(entity="keyless", name="late", of="check", field="number"),
    "retire-reference": actions.RetireConstraint(
        entity="item", name="item_Type_fkey", of="reference", field="Type"
    ),
    "raw": actions.RunRaw(
        entity="item",
        postgres=("CREATE TABLE extra (id int PRIMARY KEY)", "CREATE VIEW shorter AS SELECT id FROM item;"),
        mongodb=(),
        undo_postgres=("DROP VIEW shorter", "DROP TABLE extra"),
        undo_mongodb=(),
    ),
    "index-partial": index(
        "some",
        "note",
        where=(
            Condition(field="status", operator="=", value="new"),
            Condition(field="price", operator=">=", value="0.5"),
            Condition(field="note", operator="present"),
        ),
    ),
    "index-words": index("words", "ItemName", "note", method="text"),
    "index-folded": index("folded", "ItemName", "id", ignore_case=True, unique=True),
    "index-expression": index("computed", "amount", expression="amount % 10"),
    "index-expiring": index("due", "touched", expire_after_s=60),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
async def test_an_action_and_its_way_back_leave_schema_and_rows_as_they_were(
    place: Place, action: Action
) -> None:
    """The downgrade gives back the same rows, sequences, comments and schema."""
    before = await place.content()
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    changed = await place.content()
    assert changed.fingerprint != before.fingerprint

    await place.down(action, pieces)
    assert await place.content() == before

    await place.up(action, pieces)
    assert await place.content() == changed
