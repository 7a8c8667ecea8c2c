"""Retiring a field against everything in MongoDB that goes on asking for it, and values that are easily lost."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from pymongo.errors import WriteError

from skill_server.errors import Refused
from skill_server.model.change import Change
from tests.lifecycle.catalogue import a_change
from tests.lifecycle.world import World

NEW = {"_id": 50, "ItemID": 50, "ItemName": "new", "Serial": "S0050"}
DROP: Change = a_change("drop_field", field="ItemDesc")


async def item(world: World, key: object) -> dict[str, Any]:
    """Return a document."""
    found = await world.mongodb["item"].find_one({"_id": key})
    assert found is not None
    return found


async def admit_everything(world: World) -> None:
    """Take validator and unique index off, so that a document may hold anything."""
    await world.mongodb.command("collMod", "item", validator={})
    await world.mongodb["item"].drop_index("Serial_1")


async def test_a_closed_validator_that_requires_the_field_is_opened_and_closed_again(world: World) -> None:
    """With `additionalProperties: false` and `required` neither an old nor a new document would be admitted."""
    before = await world.state()
    plan = await world.up(a_change("drop_field", field="ItemName"))
    item_of_new_code = {key: value for key, value in NEW.items() if key != "ItemName"}
    await world.mongodb["item"].insert_one(item_of_new_code)
    with pytest.raises(WriteError):
        await world.mongodb["item"].insert_one({**NEW, "_id": 51, "Serial": "S0051"})
    await world.mongodb["item"].delete_one({"_id": 50})

    await world.down(plan)

    assert await world.state() == before
    with pytest.raises(WriteError):
        await world.mongodb["item"].insert_one(item_of_new_code)


async def test_a_unique_index_on_the_field_does_not_refuse_documents_without_it(world: World) -> None:
    """Missing counts as null in a unique index, so the second new document would be refused."""
    plan = await world.up(a_change("drop_field", field="Serial"))
    for key in (50, 51):
        document = {**NEW, "_id": key, "ItemID": key}
        del document["Serial"]
        await world.mongodb["item"].insert_one(document)
    await world.mongodb["item"].delete_many({"_id": {"$gte": 50}})
    await world.down(plan)
    indexes = await world.mongodb["item"].index_information()
    assert indexes["Serial_1"]["unique"] is True


async def test_a_document_replaced_as_a_whole_keeps_its_new_content_and_gets_its_old_value(
    world: World,
) -> None:
    """An application that replaces documents whole knows nothing of the hidden field, and must not delete it."""
    plan = await world.up(DROP)
    await world.mongodb["item"].replace_one(
        {"_id": 2}, {"ItemID": 2, "ItemName": "replaced", "Serial": "S0002"}
    )
    await world.down(plan)
    assert await item(world, 2) == {
        "_id": 2,
        "ItemID": 2,
        "ItemName": "replaced",
        "ItemDesc": "mañana\n\ttab",
        "Serial": "S0002",
    }


async def test_null_comes_back_as_null_and_missing_as_missing(world: World) -> None:
    """Queries tell the two apart, so the downgrade has to."""
    plan = await world.up(DROP)
    assert await world.mongodb["item"].count_documents({"ItemDesc": {"$exists": True}}) == 0
    await world.down(plan)
    assert (await item(world, 8))["ItemDesc"] is None
    assert "ItemDesc" not in await item(world, 4)


VALUES: dict[str, Any] = {
    "text": "é ☃ 𝄞",
    "empty text": "",
    "int": 1,
    "long": Int64(1),
    "double": 1.0,
    "negative zero": -0.0,
    "not a number": float("nan"),
    "decimal": Decimal128("1.00"),
    "bool": False,
    "null": None,
    "binary": Binary(b"\x00\xff", 0),
    "object id": ObjectId("0123456789abcdef01234567"),
    "regex": Regex("^a$", "i"),
    "code": Code("return 1"),
    "timestamp": Timestamp(1, 2),
    "smallest": MinKey(),
    "largest": MaxKey(),
    "empty document": {},
    "empty array": [],
    "nested": {"b": [1, {"$each": [None]}, [[]]], "a": {"$set": "no operator", "c.d": 1}},
    "looks like an expression": "$ItemName",
}


async def test_values_of_every_type_and_depth_come_back_byte_for_byte(world: World) -> None:
    """Mixed types in one field are the rule in a document store, and each must survive the side collection."""
    await admit_everything(world)
    await world.mongodb["item"].insert_many(
        [
            {"_id": name, "first": number, "ItemDesc": value, "last": number}
            for number, (name, value) in enumerate(VALUES.items())
        ]
    )
    before = await world.state()
    plan = await world.up(DROP)
    assert await world.mongodb["item"].count_documents({"ItemDesc": {"$exists": True}}) == 0
    await world.down(plan)
    assert (await world.state()).records == before.records


KEYS: list[Any] = [1.5, "1", Int64(2**40), ObjectId(), {"a": 1, "b": 2}, Binary(b"\x01", 0), False]


async def test_documents_are_found_again_by_keys_of_every_type(world: World) -> None:
    """An `_id` may be anything but an array, and equal-looking keys of two types are two documents."""
    await admit_everything(world)
    await world.mongodb["item"].insert_many([{"_id": key, "ItemDesc": str(key)} for key in KEYS])
    before = await world.state()
    plan = await world.up(DROP)
    await world.down(plan)
    assert await world.state() == before


async def test_a_document_deleted_meanwhile_does_not_come_back_as_a_ghost(world: World) -> None:
    """Putting values back must not create documents that hold nothing else."""
    plan = await world.up(DROP)
    await world.mongodb["item"].delete_one({"_id": 2})
    await world.execute('DELETE FROM items WHERE "ItemID" = 2')
    await world.down(plan)
    assert await world.mongodb["item"].count_documents({"_id": 2}) == 0
    assert await world.mongodb["item"].count_documents({}) == 7


async def test_a_value_written_by_old_code_meanwhile_wins_over_the_kept_one(world: World) -> None:
    """Somebody wrote it later than the migration, so it is the newer truth."""
    await admit_everything(world)
    plan = await world.up(DROP)
    await world.mongodb["item"].update_one({"_id": 2}, {"$set": {"ItemDesc": "written later"}})
    await world.down(plan)
    assert (await item(world, 2))["ItemDesc"] == "written later"


@pytest.mark.parametrize(
    "options",
    [
        {"keys": [("ItemName", 1), ("ItemDesc", -1)]},
        {"keys": [("ItemID", 1)], "partialFilterExpression": {"ItemDesc": {"$exists": True}}},
        {"keys": [("ItemDesc", 1)], "sparse": True},
        {"keys": [("ItemDesc", 1)], "collation": {"locale": "fr", "strength": 2}},
    ],
    ids=["compound", "partial", "sparse", "collated"],
)
async def test_an_index_that_names_the_field_goes_and_comes_back_as_it_was(
    world: World, options: dict[str, Any]
) -> None:
    """Keys, filters and options are all part of what an application relies on."""
    await world.mongodb["item"].create_index(options.pop("keys"), name="trap", **options)
    before = await world.state()
    plan = await world.up(DROP)
    assert "trap" not in await world.mongodb["item"].index_information()
    await world.down(plan)
    assert await world.state() == before


async def test_a_view_that_reads_the_field_is_refused_by_its_name(world: World) -> None:
    """A stored pipeline names fields as text and would silently show nothing."""
    await world.mongodb.command(
        "create", "described", viewOn="item", pipeline=[{"$project": {"shown": {"$toUpper": "$ItemDesc"}}}]
    )
    with pytest.raises(Refused, match="described") as refusal:
        await world.plan(DROP)
    assert refusal.value.code == "view-names-field"


async def test_a_validator_that_speaks_of_the_field_in_a_rule_of_its_own_is_refused(world: World) -> None:
    """What a rule over several fields means without one of them is not for a program to guess."""
    rule = {"$or": [{"ItemDesc": {"$exists": True}}, {"ItemName": {"$exists": True}}]}
    await world.mongodb.command("collMod", "item", validator=rule)
    with pytest.raises(Refused) as refusal:
        await world.plan(DROP)
    assert refusal.value.code == "validator-not-understood"
