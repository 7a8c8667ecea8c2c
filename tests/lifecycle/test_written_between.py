"""What is written between up and down keeps its value or is listed before the way back touches anything."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64

from skill_server.errors import Refused
from tests.lifecycle.catalogue import a_change, a_retype
from tests.lifecycle.world import World

NEW = {"_id": 50, "ItemID": 50, "ItemName": "new", "Serial": "S0050", "Quantity": 1}
NEW_ROW = """INSERT INTO items ("ItemID", "ItemName", "Serial") VALUES (50, 'new', 'S0050')"""


async def a_new_record(world: World, **values: Any) -> None:
    """Write a record into both databases as the new version of an application does."""
    await world.execute(NEW_ROW)
    for name, value in values.items():
        shown = "NULL" if value is None else f"'{value}'"
        await world.execute(f'UPDATE items SET "{name}" = {shown} WHERE "ItemID" = 50')
    await world.mongodb["item"].insert_one({**NEW, **values})


async def item(world: World, number: int) -> dict[str, Any]:
    """Return an item of MongoDB."""
    found = await world.mongodb["item"].find_one({"ItemID": number})
    assert found is not None
    return found


async def cell(world: World, name: str, number: int) -> Any:
    """Return a value of an item of PostgreSQL as text."""
    return await world.value(f'SELECT "{name}"::text FROM items WHERE "ItemID" = {number}')


async def test_values_of_an_added_field_are_kept_aside_and_come_back_with_it(world: World) -> None:
    """A downgrade takes the field away, but nobody's work with it."""
    change = a_change("add_field", field="condition", type="Text", default="good")
    plan = await world.up(change)
    await a_new_record(world, condition="worn")
    await world.execute("""UPDATE items SET condition = 'broken' WHERE "ItemID" = 1""")
    await world.mongodb["item"].update_one({"ItemID": 1}, {"$set": {"condition": "broken"}})
    assert await world.in_the_way_back(plan) == []
    await world.down(plan)
    assert "condition" not in await item(world, 50)

    await world.applied(plan)

    assert [await cell(world, "condition", number) for number in (1, 2, 50)] == ["broken", "good", "worn"]
    assert [(await item(world, n))["condition"] for n in (1, 2, 50)] == ["broken", "good", "worn"]


async def test_records_written_under_a_new_name_go_back_to_the_old_one(world: World) -> None:
    """After a rename the new name is as good as the old one was."""
    plan = await world.up(a_change("rename_field", field="ItemDesc", to="description"))
    await a_new_record(world, description="written since")
    assert await world.in_the_way_back(plan) == []
    await world.down(plan)
    assert await cell(world, "ItemDesc", 50) == "written since"
    assert (await item(world, 50))["ItemDesc"] == "written since"


async def test_records_that_have_both_names_are_listed_before_a_rename_goes_back(world: World) -> None:
    """One of the two values would be lost, and only a person knows which is right."""
    await world.mongodb.command("collMod", "item", validator={})
    plan = await world.up(a_change("rename_field", field="ItemDesc", to="description"))
    await world.mongodb["item"].insert_one({**NEW, "ItemDesc": "old name", "description": "new name"})

    (listed,) = await world.in_the_way_back(plan)

    assert "have both description and ItemDesc" in listed
    assert "50" in listed
    with pytest.raises(Refused, match="records-in-the-way"):
        await world.down(plan)
    assert (await item(world, 50))["description"] == "new name"


async def test_records_written_while_a_field_is_hidden_come_back_without_it(world: World) -> None:
    """A field that may be empty is empty in records that could not know it; the others get theirs back."""
    plan = await world.up(a_change("drop_field", field="ItemDesc"))
    await a_new_record(world)
    assert await world.in_the_way_back(plan) == []
    await world.down(plan)
    assert await cell(world, "ItemDesc", 50) is None
    assert "ItemDesc" not in await item(world, 50)
    assert (await item(world, 2))["ItemDesc"] == "mañana\n\ttab"


async def test_records_without_a_value_that_must_come_back_are_listed_on_both_databases(world: World) -> None:
    """NOT NULL and `required` come back with the field, and there is nothing to fill in."""
    plan = await world.up(a_change("drop_field", field="Serial"))
    await world.execute("""INSERT INTO items ("ItemID", "ItemName") VALUES (50, 'new')""")
    await world.mongodb["item"].insert_one({key: value for key, value in NEW.items() if key != "Serial"})

    listed = await world.in_the_way_back(plan)

    assert len(listed) == 2
    assert all("1 " in line and "Serial" in line and "50" in line for line in listed)


async def test_records_without_a_value_get_the_fill_where_the_author_gave_one(world: World) -> None:
    """The author of a drop may say what records written meanwhile shall have."""
    plan = await world.up(a_change("drop_field", field="ItemName", fill="unnamed"))
    await world.execute("""INSERT INTO items ("ItemID", "Serial") VALUES (50, 'S0050')""")
    await world.mongodb["item"].insert_one({key: value for key, value in NEW.items() if key != "ItemName"})
    assert await world.in_the_way_back(plan) == []
    await world.down(plan)
    assert await cell(world, "ItemName", 50) == "unnamed"
    assert (await item(world, 50))["ItemName"] == "unnamed"
    assert await cell(world, "ItemName", 1) == (await item(world, 1))["ItemName"] == "größe 4"


async def test_records_written_after_a_conversion_are_converted_back(world: World) -> None:
    """Old values come back byte for byte; only what was written since is converted."""
    plan = await world.up(a_retype("Price", "String(32)", "Decimal(12,2)"))
    await a_new_record(world, Price=Decimal128("3.00"))
    await world.execute("""UPDATE items SET "Price" = 9.9 WHERE "ItemID" = 1""")
    await world.mongodb["item"].update_one({"ItemID": 1}, {"$set": {"Price": Decimal128("9.90")}})
    assert await world.in_the_way_back(plan) == []
    await world.down(plan)
    assert [await cell(world, "Price", number) for number in (1, 3, 50)] == ["9.90", "3.1", "3.00"]
    assert [(await item(world, number))["Price"] for number in (1, 3, 50)] == ["9.90", "3.1", "3.00"]


async def test_values_that_do_not_fit_the_old_type_are_listed_before_a_conversion_goes_back(
    world: World,
) -> None:
    """A wider type invites wider values, which the old one cannot hold."""
    plan = await world.up(a_retype("Quantity", "Integer", "BigInteger"))
    await world.execute(NEW_ROW, """UPDATE items SET "Quantity" = 3000000000 WHERE "ItemID" = 50""")
    await world.mongodb["item"].insert_one({**NEW, "Quantity": Int64(3_000_000_000)})

    listed = await world.in_the_way_back(plan)

    assert len(listed) == 2
    assert all("Quantity" in line and "50" in line for line in listed)


async def test_an_index_keeps_no_record_from_coming_back(world: World) -> None:
    """An ordinary index says nothing about values, so its way back has nothing to list."""
    for change in (
        a_change("add_index", name="by_price", fields=("Price",)),
        a_change("drop_index", name="ix_items_ItemName"),
    ):
        plan = await world.up(change)
        before = (await world.state()).records
        assert await world.in_the_way_back(plan) == []
        await world.down(plan)
        assert (await world.state()).records == before
    await a_new_record(world)
    assert await cell(world, "ItemName", 50) == "new"


async def test_records_that_a_returning_unique_index_would_refuse_are_listed(world: World) -> None:
    """While a unique index is gone, the same value may be written twice."""
    await world.execute('CREATE UNIQUE INDEX once ON items ("Key")')
    await world.mongodb["item"].create_index(
        [("Key", 1)], name="once", unique=True, partialFilterExpression={"Key": {"$type": "string"}}
    )
    plan = await world.up(a_change("drop_index", name="once"))
    known = (await item(world, 1))["Key"]
    await a_new_record(world, Key=known)

    listed = await world.in_the_way_back(plan)

    assert len(listed) == 2
    assert all("50" in line and "1" in line for line in listed)
    with pytest.raises(Refused, match="records-in-the-way"):
        await world.down(plan)


async def test_records_that_a_returning_unique_field_would_refuse_are_listed(world: World) -> None:
    """A hidden unique field fills every record written meanwhile with the same value."""
    plan = await world.up(a_change("drop_field", field="Serial", fill="none"))
    for number in (50, 51):
        await world.execute(f"""INSERT INTO items ("ItemID", "ItemName") VALUES ({number}, 'new')""")
        document = {**NEW, "_id": number, "ItemID": number}
        del document["Serial"]
        await world.mongodb["item"].insert_one(document)

    listed = await world.in_the_way_back(plan)

    assert [line.partition(":")[0] for line in listed] == ["postgres", "mongodb"]
    assert all("2 " in line and "50" in line and "51" in line for line in listed)


async def test_values_that_a_function_cannot_take_back_are_listed_on_both_databases(world: World) -> None:
    """What one database is going to do changes nothing in the other, so both are asked first."""
    change = a_change(
        "transform_fields",
        writes=("ItemName",),
        reads=("ItemName",),
        function='def named(record):\n    return {"ItemName": "no. " + record["ItemName"]}\n',
        back_writes=("ItemName",),
        back_function='def bare(record):\n    return {"ItemName": record["ItemName"].split(". ", 1)[1]}\n',
    )
    plan = await world.up(change)
    await world.execute("""UPDATE items SET "ItemName" = 'free' WHERE "ItemID" = 1""")

    (listed,) = await world.in_the_way_back(plan)

    assert listed.startswith("postgres: 1 records of items")
    await world.mongodb["item"].update_one({"ItemID": 2}, {"$set": {"ItemName": "free"}})
    listed_on = [line.partition(":")[0] for line in await world.in_the_way_back(plan)]
    assert sorted(listed_on) == ["mongodb", "postgres"]
