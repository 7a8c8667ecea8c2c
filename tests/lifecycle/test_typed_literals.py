"""Literals of types that JSON has no words for: both databases get the value itself, never its text."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from bson import Binary, Decimal128
from pymongo.errors import WriteError

from skill_server.changes.add_check import AddCheck
from skill_server.changes.add_index import AddIndex
from skill_server.changes.drop_field import DropField
from skill_server.changes.require_field import RequireField
from skill_server.changes.set_default import SetDefault
from skill_server.model.ids import BackendKind
from skill_server.model.snapshot import Condition
from tests.lifecycle.world import World

TOKEN = uuid.UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff")
NOON = datetime(2024, 3, 31, 12, tzinfo=UTC)
# Field: what an author writes, what PostgreSQL holds then, what MongoDB holds.
LITERALS: dict[str, tuple[str, Any, Any]] = {
    "Cost": ("9.50", Decimal("9.50"), Decimal128("9.50")),
    "Token": (str(TOKEN), TOKEN, Binary(TOKEN.bytes, 4)),
    "Sold": ("2024-03-31", date(2024, 3, 31), datetime(2024, 3, 31, tzinfo=UTC)),
    "Seen": ("2024-03-31T12:00:00", NOON.replace(tzinfo=None), NOON),
    "Moment": ("2024-03-31T12:00:00+00:00", NOON, NOON),
}
each_field = pytest.mark.parametrize("field", LITERALS)


async def _held(world: World, field: str, number: int) -> tuple[Any, Any]:
    row = await world.value(f'SELECT "{field}" FROM items WHERE "ItemID" = {number}')
    document = await world.mongodb["item"].find_one({"ItemID": number})
    assert document is not None
    return row, document.get(field)


@each_field
async def test_empty_fields_are_filled_with_the_value_itself(world: World, field: str) -> None:
    """A fill is a decimal, day, moment or UUID on both sides, and goes again without a trace."""
    text, row, member = LITERALS[field]
    before = await world.state()
    plan = await world.up(RequireField(entity="items", field=field, fill=text))
    assert await _held(world, field, 4) == (row, member)
    await world.down(plan)
    assert await world.state() == before


@each_field
async def test_records_written_without_a_dropped_field_get_the_value_itself(world: World, field: str) -> None:
    """What comes back for them is of the field's type in the database that declares none, too."""
    text, row, member = LITERALS[field]
    await world.execute(
        f'DELETE FROM items WHERE "{field}" IS NULL', f'ALTER TABLE items ALTER "{field}" SET NOT NULL'
    )
    plan = await world.up(DropField(entity="items", field=field, fill=text))
    await world.execute("""INSERT INTO items ("ItemID", "ItemName", "Serial") VALUES (90, 'late', 'L')""")
    late = {"ItemID": 90, "ItemName": "late", "Serial": "L", "Quantity": 1}
    await world.mongodb["item"].insert_one(late)
    await world.down(plan)
    assert await _held(world, field, 90) == (row, member)


@each_field
async def test_a_partial_index_compares_with_the_value_itself(world: World, field: str) -> None:
    """The index holds the records at the bound in both databases, so a second one there is refused by both."""
    text, row, member = LITERALS[field]
    await world.execute(f"""UPDATE items SET "{field}" = '{row}' WHERE "ItemID" = 1""")
    await world.mongodb["item"].update_one({"ItemID": 1}, {"$set": {field: member}})
    where = (Condition(field=field, operator="=", value=text),)
    before = await world.state()
    plan = await world.up(AddIndex(entity="items", name="one", fields=(field,), unique=True, where=where))
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.execute(f"""UPDATE items SET "{field}" = '{row}' WHERE "ItemID" = 2""")
    with pytest.raises(WriteError, match="E11000"):
        await world.mongodb["item"].update_one({"ItemID": 2}, {"$set": {field: member}})
    await world.down(plan)
    assert await world.state() == before


@each_field
async def test_a_list_of_values_admits_the_values_themselves(world: World, field: str) -> None:
    """A value of the list is taken by both databases, another one by neither."""
    text, row, member = LITERALS[field]
    await world.execute(f'UPDATE items SET "{field}" = NULL')
    await world.mongodb["item"].update_many({}, {"$set": {field: None}})
    plan = await world.up(AddCheck(entity="items", name="listed", field=field, one_of=(text,)))
    await world.execute(f"""UPDATE items SET "{field}" = '{row}' WHERE "ItemID" = 1""")
    await world.mongodb["item"].update_one({"ItemID": 1}, {"$set": {field: member}})
    assert await _held(world, field, 1) == (row, member)
    with pytest.raises(WriteError, match="failed validation"):
        await world.mongodb["item"].update_one({"ItemID": 2}, {"$set": {field: text}})
    await world.down(plan)


@each_field
async def test_a_default_is_written_once_for_both_databases(world: World, field: str) -> None:
    """The spelling that the declared type asks for is not refused on the other side."""
    text, row, _ = LITERALS[field]
    plan = await world.up(SetDefault(entity="items", field=field, default=text))
    await world.execute("""INSERT INTO items ("ItemID", "ItemName", "Serial") VALUES (90, 'late', 'L')""")
    assert await world.value(f'SELECT "{field}" FROM items WHERE "ItemID" = 90') == row
    await world.down(plan)


async def test_a_day_that_documents_hold_as_text_is_filled_in_as_text(world: World) -> None:
    """The type of the values that are there goes before the declared one, which MongoDB's validator would refuse."""
    await world.execute("""ALTER TABLE items ALTER "Bought" TYPE date USING "Bought"::date""")
    await world.up(RequireField(entity="items", field="Bought", fill="2024-03-31"))
    assert await _held(world, "Bought", 4) == (date(2024, 3, 31), "2024-03-31")


async def test_a_decimal_that_documents_hold_as_text_is_compared_as_text(world: World) -> None:
    """A partial index over text would be empty if it compared with a decimal."""
    await world.execute("""ALTER TABLE items ALTER "Price" TYPE numeric(10, 2) USING "Price"::numeric""")
    where = (Condition(field="Price", operator="=", value="12.50"),)
    plan = await world.plan(AddIndex(entity="items", name="one", fields=("Price",), where=where))
    told = " ".join(
        statement.text for step in plan.of(BackendKind.MONGODB) for statement in step.forward.statements
    )
    assert "12.50" in told
    assert "numberDecimal" not in told
