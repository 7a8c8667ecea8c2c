"""Up and down gives back the same bytes and the same schema, for every action, against the known traps."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId

from skill_server.errors import MigrationError
from skill_server.model.action import (
    Action,
    AddField,
    BuildIndex,
    RemoveField,
    RemoveIndex,
    RenameField,
    RetireField,
    RetireIndex,
    RetypeField,
)
from skill_server.model.logical import parse
from skill_server.model.snapshot import IndexKey
from tests.contract.mongo.undo import PLAN_UP, POLICY, Place, place, steps

KEYS = (1, "two", Int64(3), ObjectId("0123456789abcdef01234567"), {"part": 1, "of": "two"}, 6.5, True)

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": KEYS[0], "ItemName": "Hammer", "ItemDesc": "steel", "price": "12.50", "n": 1},
    {"ItemDesc": "Ünïcödé \U0001f600", "_id": KEYS[1], "ItemName": "", "n": Int64(2), "price": "0.10"},
    {"_id": KEYS[2], "ItemName": "Saw", "ItemDesc": "three", "tags": ["a", {"b": 1.0}], "price": None},
    {"_id": KEYS[3], "ItemName": "Nail", "nested": {"ItemDesc": 1, "x": [None]}, "ItemDesc": "four"},
    {"_id": KEYS[4], "ItemName": "Screw", "ItemDesc": "five", "price": "7.00", "z": Binary(b"\x00\x01", 5)},
    {"_id": KEYS[5], "ItemName": "Bolt", "ItemDesc": "six", "d": Decimal128("1.50"), "price": "1.5"},
    {"_id": KEYS[6], "ItemDesc": "seven", "ItemName": "Nut", "n": 1.0},
]
VALIDATOR: dict[str, Any] = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": ["_id", "ItemDesc", "ItemName"],
        "additionalProperties": False,
        "properties": {
            "_id": {},
            "ItemName": {"bsonType": "string", "maxLength": 40},
            "ItemDesc": {"bsonType": ["string", "null"], "description": "what it is"},
            "price": {"bsonType": ["string", "null"]},
            **{name: {} for name in ("n", "tags", "nested", "z", "d")},
        },
    }
}
ACTIONS: dict[str, Action] = {
    "add_field": AddField(entity="item", field="condition", type=parse("String(20)"), default="good"),
    "add_required_field": AddField(
        entity="item", field="stock", type=parse("BigInteger"), nullable=False, default=7
    ),
    "add_field_without_default": AddField(entity="item", field="note", type=parse("Text")),
    "rename_field": RenameField(entity="item", field="ItemDesc", to="description"),
    "retire_field": RetireField(entity="item", field="ItemDesc"),
    "retire_field_missing_in_some": RetireField(entity="item", field="n"),
    "retype_field": RetypeField(entity="item", field="price", was=parse("Text"), to=parse("Decimal(12,2)")),
    "retype_mixed_field": RetypeField(entity="item", field="n", was=parse("Integer"), to=parse("Text")),
    "build_index": BuildIndex(entity="item", name="by_name", keys=(IndexKey(field="ItemName"),), unique=True),
    "retire_index": RetireIndex(entity="item", name="ItemDesc_1"),
}


async def fill(here: Place, *, validated: bool) -> None:
    """Make the collection, with everything that could stand in the way of a change."""
    options: dict[str, Any] = {"validator": VALIDATOR} if validated else {}
    await here.database.create_collection("item", **options)
    await here.database["item"].insert_many([dict(document) for document in DOCUMENTS])
    await here.database["item"].create_index({"ItemDesc": 1}, unique=True)
    await here.database["item"].create_index({"ItemName": -1, "ItemDesc": 1}, name="both")
    await here.database["item"].create_index(
        {"n": 1}, name="some", partialFilterExpression={"ItemDesc": {"$exists": True}}
    )


@pytest.mark.parametrize("validated", [False, True], ids=["open", "closed_validator"])
@pytest.mark.parametrize("name", ACTIONS)
async def test_down_after_up_gives_back_the_same_bytes(
    mongo_database: str, name: str, validated: bool
) -> None:
    """Undoing is promised byte for byte, the order of fields included, for documents of every odd shape."""
    async with place(mongo_database) as here:
        await fill(here, validated=validated)
        before = await here.content()
        pieces = await here.pieces(ACTIONS[name])

        await here.up(ACTIONS[name], pieces)
        changed = await here.content()
        await here.down(ACTIONS[name], pieces)

        assert await here.content() == before
        if name != "add_field_without_default":
            assert changed != before


@pytest.mark.parametrize("name", ACTIONS)
async def test_up_twice_changes_nothing_more(mongo_database: str, name: str) -> None:
    """A crash between the work and its mark runs a step again, so each must be idempotent."""
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        before = await here.content()
        pieces = await here.pieces(ACTIONS[name])
        await here.up(ACTIONS[name], pieces)
        once = await here.content()

        for step in steps(ACTIONS[name], pieces):
            await here.backend.journal.forget(PLAN_UP)
            await here.backend.run(PLAN_UP, [step], POLICY)
        # The first pieces open what the last ones closed, so the catalog is compared at the end of all of them.
        assert await here.content() == once

        await here.down(ACTIONS[name], pieces)
        assert await here.content() == before


async def test_a_document_replaced_meanwhile_keeps_its_new_content(mongo_database: str) -> None:
    """A new version of the application may replace a whole document while the field is retired."""
    action = RetireField(entity="item", field="ItemDesc", fill="unknown")
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        await here.database["item"].drop_index("ItemDesc_1")
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        await here.database["item"].replace_one({"_id": 1}, {"ItemName": "Mallet", "price": "1.00"})
        await here.database["item"].insert_one({"_id": "new", "ItemName": "Drill"})

        await here.down(action, pieces)

        assert await here.database["item"].find_one({"_id": 1}) == {
            "_id": 1,
            "ItemName": "Mallet",
            "ItemDesc": "steel",
            "price": "1.00",
        }
        assert await here.database["item"].find_one({"_id": "new"}) == {
            "_id": "new",
            "ItemName": "Drill",
            "ItemDesc": "unknown",
        }


async def test_values_written_after_a_conversion_are_converted_back(mongo_database: str) -> None:
    """Records written under the new type belong to the application and must not be lost on the way back."""
    action = ACTIONS["retype_field"]
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        item = here.database["item"]
        assert (await item.find_one({"_id": 1}) or {})["price"] == Decimal128("12.50")
        await item.update_one({"_id": 1}, {"$set": {"price": Decimal128("99.90")}})
        new = {"_id": "new", "ItemName": "Drill", "ItemDesc": "d", "price": Decimal128("3.00")}
        await item.insert_one(new)

        await here.down(action, pieces)

        prices = {str(found["_id"]): found.get("price") async for found in item.find({})}
        assert (prices["1"], prices["new"], prices["6.5"]) == ("99.90", "3.00", "1.5")


async def test_renaming_onto_a_name_that_is_there_is_refused(mongo_database: str) -> None:
    """MongoDB's own `$rename` would overwrite the other field without a word."""
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        with pytest.raises(MigrationError) as refusal:
            await here.pieces(RenameField(entity="item", field="ItemDesc", to="price"))
        assert refusal.value.code == "field-exists"


async def test_a_document_with_both_names_is_left_alone_and_listed(mongo_database: str) -> None:
    """A document written between planning and running must neither lose a value nor go unnoticed."""
    action = RenameField(entity="item", field="ItemDesc", to="description")
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        pieces = await here.pieces(action)
        await here.database["item"].insert_one({"_id": "both", "ItemDesc": "a", "description": "b"})
        backfill = next(piece for piece in pieces if piece.up.before)

        found = await here.backend.probe(backfill.up.before[0])
        for step in steps(action, pieces):
            await here.backend.run(PLAN_UP, [step], POLICY)

        assert (found.count, found.keys) == (1, ("both",))
        both = await here.database["item"].find_one({"_id": "both"})
        assert both == {"_id": "both", "ItemDesc": "a", "description": "b"}


async def test_values_that_do_not_convert_are_listed_before_anything_runs(mongo_database: str) -> None:
    """A conversion that fails half-way would leave two types in one field."""
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        await here.database["item"].update_one({"_id": "two"}, {"$set": {"price": "cheap"}})
        pieces = await here.pieces(ACTIONS["retype_field"])
        before = next(piece for piece in pieces if piece.up.before).up.before[0]

        found = await here.backend.probe(before)

        assert (found.count, found.keys) == (1, ("two",))


async def test_removing_an_added_field_keeps_what_was_written_since(mongo_database: str) -> None:
    """Adding the field again brings back values that differ from its default, where the document is still there."""
    action = ACTIONS["add_field"]
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        await here.database["item"].update_one({"_id": 1}, {"$set": {"condition": "worn"}})
        await here.down(action, pieces)

        await here.up(action, pieces, plan="c" * 32)

        found = {str(item["_id"]): item["condition"] async for item in here.database["item"].find({})}
        assert (found["1"], found["two"]) == ("worn", "good")


async def test_removing_field_and_index_as_changes_of_their_own(mongo_database: str) -> None:
    """An author may list the undo of an earlier migration as a new one."""
    added = AddField(entity="item", field="condition", type=parse("String(20)"), default="good")
    built = BuildIndex(entity="item", name="by_name", keys=(IndexKey(field="ItemName"),))
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        before = await here.content()
        for number, action in enumerate((added, built)):
            await here.up(action, await here.pieces(action), plan=str(number) * 32)
        undone: tuple[Action, ...] = (built.inverse(), added.inverse())
        assert [type(action) for action in undone] == [RemoveIndex, RemoveField]
        for number, action in enumerate(undone):
            await here.up(action, await here.pieces(action), plan=str(number + 5) * 32)
        assert await here.content() == before


async def test_a_removed_field_comes_back_with_another_type_beside_its_old_values(
    mongo_database: str,
) -> None:
    """A text in a field of whole numbers would be what nobody wrote there; it waits for the field of its own type."""
    texts = AddField(entity="item", field="nf", type=parse("Text"))
    numbers = AddField(entity="item", field="nf", type=parse("Integer"))
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        text_pieces, number_pieces = await here.pieces(texts), await here.pieces(numbers)
        await here.up(texts, text_pieces, plan="1" * 32)
        await here.database["item"].update_one({"_id": 1}, {"$set": {"nf": "7"}})
        await here.down(texts, text_pieces, plan="2" * 32)
        await here.up(numbers, number_pieces, plan="3" * 32)
        assert await here.database["item"].count_documents({"nf": {"$exists": True}}) == 0
        assert [thing.records for thing in await here.backend.kept()] == [1]

        await here.down(numbers, number_pieces, plan="4" * 32)
        await here.up(texts, text_pieces, plan="5" * 32)
        found = [document async for document in here.database["item"].find({"nf": {"$exists": True}})]
        assert [(document["_id"], document["nf"]) for document in found] == [(1, "7")]
        assert await here.backend.kept() == ()
