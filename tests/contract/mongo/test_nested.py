"""Fields inside embedded documents, named by the map: each change goes up and down without a trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from bson import Int64

from skill_server.backends.mongo import MongoBackend
from skill_server.errors import Failed, Refused
from skill_server.model.action import (
    Action,
    AddField,
    BuildIndex,
    RemoveField,
    RenameField,
    RetireField,
    RetireIndex,
    RetypeField,
)
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.snapshot import IndexKey
from tests.contract.mongo.undo import PLAN_UP, POLICY, Place, steps
from tests.support.servers import mongodb_client

PATHS = {
    "city": "address.city",
    "town": "address.town",
    "note": "address.note",
    "level": "address.home.level",
    "floor": "address.home.floor",
    "tone": "colour.tone",
    "elsewhere": "other.city",
}
NAMES = NameMap(
    entities={
        "item": EntityNames(
            postgres="item",
            mongodb="item",
            fields={name: {BackendKind.MONGODB: path} for name, path in PATHS.items()},
        )
    }
)
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "address": {"zip": "1", "city": "Ulm", "home": {"level": "3", "bell": 1}}, "end": 1},
    {"_id": 2, "address": {"city": "Bonn"}, "z": {"city": 1}},
    {"_id": 3, "name": "without"},
    {"_id": 4, "address": {}},
    {"_id": 5, "address": {"home": {}, "zip": Int64(5)}},
    {"_id": 6, "address": {"home": {"bell": 2, "level": None}, "city": None}, "colour": {}},
]
SCHEMA: dict[str, Any] = {
    "bsonType": "object",
    "properties": {
        "_id": {},
        "address": {
            "bsonType": "object",
            "additionalProperties": False,
            "properties": {
                "zip": {},
                "city": {"bsonType": ["string", "null"], "description": "where"},
                "home": {"properties": {"level": {"bsonType": ["string", "null"]}}},
            },
        },
        "name": {},
    },
}
ACTIONS: dict[str, Action] = {
    "add_field": AddField(entity="item", field="note", type=parse("Text"), default="none"),
    "add_deep_field": AddField(entity="item", field="floor", type=parse("Integer"), default=4),
    "add_undescribed_field": AddField(entity="item", field="tone", type=parse("Text"), default="red"),
    "add_field_without_default": AddField(entity="item", field="note", type=parse("Text")),
    "rename_field": RenameField(entity="item", field="city", to="town"),
    "rename_deep_field": RenameField(entity="item", field="level", to="floor"),
    "retire_field": RetireField(entity="item", field="city"),
    "retire_deep_field": RetireField(entity="item", field="level"),
    "retype_deep_field": RetypeField(entity="item", field="level", was=parse("Text"), to=parse("Integer")),
    "build_index": BuildIndex(entity="item", name="by_level", keys=(IndexKey(field="level"),)),
    "retire_index": RetireIndex(entity="item", name="by_city"),
}


@pytest_asyncio.fixture(loop_scope="session")
async def here(mongo_database: str) -> AsyncIterator[Place]:
    """An empty database whose nested fields have names."""
    backend = MongoBackend(mongo_database, NAMES)
    async with mongodb_client(mongo_database) as client:
        yield Place(backend, client.get_default_database())
        await backend.close()


async def fill(here: Place, *, validated: bool = True) -> None:
    """Make the collection, with an index and, if wished, a closed validator of the embedded document."""
    options: dict[str, Any] = {"validator": {"$jsonSchema": SCHEMA}} if validated else {}
    await here.database.create_collection("item", **options)
    await here.database["item"].insert_many([dict(document) for document in DOCUMENTS])
    await here.database["item"].create_index({"address.city": 1}, name="by_city")
    await here.database["item"].create_index({"address": 1, "name": 1}, name="whole")


@pytest.mark.parametrize("validated", [False, True], ids=["open", "closed_validator"])
@pytest.mark.parametrize("name", ACTIONS)
async def test_down_after_up_gives_back_the_same_bytes(here: Place, name: str, validated: bool) -> None:
    """Places inside embedded documents come back, and embedded documents made on the way up go again."""
    await fill(here, validated=validated)
    before = await here.content()
    pieces = await here.pieces(ACTIONS[name])
    await here.up(ACTIONS[name], pieces)
    once = await here.content()
    assert name == "add_field_without_default" or once != before
    for step in steps(ACTIONS[name], pieces):
        await here.backend.journal.forget(PLAN_UP)
        await here.backend.run(PLAN_UP, [step], POLICY)
    assert await here.content() == once
    await here.down(ACTIONS[name], pieces)
    assert await here.content() == before


async def test_a_snapshot_shows_nested_fields_by_their_names(here: Place) -> None:
    """Reviews and the other database know `city`, not the path to it."""
    await fill(here)
    entity = (await here.backend.inspect()).entity("item")
    assert entity is not None
    city, level = entity.field("city"), entity.field("level")
    assert city is not None
    assert level is not None
    assert (city.native_name, str(city.type), city.nullable) == ("address.city", "Text", True)
    assert level.native_name == "address.home.level"
    index = entity.index("by_city")
    assert index is not None
    assert set(index.fields) == {"address", "city"}
    assert entity.field("town") is None


async def test_what_a_change_does_to_documents_and_validator(here: Place) -> None:
    """Only the member of the embedded document changes its name, in its place."""
    await fill(here)
    action = ACTIONS["rename_field"]
    await here.up(action, await here.pieces(action))
    first = await here.database["item"].find_one({"_id": 1})
    assert first is not None
    assert list(first["address"].items()) == [
        ("zip", "1"),
        ("town", "Ulm"),
        ("home", {"level": "3", "bell": 1}),
    ]
    (found,) = await (await here.database.list_collections(filter={"name": "item"})).to_list()
    described = found["options"]["validator"]["$jsonSchema"]["properties"]["address"]["properties"]
    assert list(described) == ["zip", "town", "home"]
    assert "by_city_on_town" in await here.database["item"].index_information()


async def test_values_written_after_an_addition_come_again_with_it(here: Place) -> None:
    """Removing a field keeps what differs from its default, and what an application put beside it stays."""
    await fill(here)
    action = ACTIONS["add_field"]
    pieces = await here.pieces(action)
    await here.up(action, pieces)
    await here.database["item"].update_one({"_id": 3}, {"$set": {"address.note": "mine"}})
    await here.database["item"].update_one({"_id": 4}, {"$set": {"address.zip": "4"}})
    await here.down(action, pieces)
    assert await here.database["item"].find_one({"_id": 3}) == DOCUMENTS[2]
    assert await here.database["item"].find_one({"_id": 4}) == {"_id": 4, "address": {"zip": "4"}}
    await here.up(action, pieces, plan="c" * 32)
    third = await here.database["item"].find_one({"_id": 3})
    assert third is not None
    assert third["address"] == {"note": "mine"}


async def test_a_retired_value_comes_back_into_an_embedded_document_that_is_gone(here: Place) -> None:
    """The application may have replaced the whole document meanwhile."""
    await fill(here)
    action = ACTIONS["retire_deep_field"]
    pieces = await here.pieces(action)
    await here.up(action, pieces)
    await here.database["item"].replace_one({"_id": 1}, {"name": "new"})
    await here.down(action, pieces)
    assert await here.database["item"].find_one({"_id": 1}) == {
        "_id": 1,
        "name": "new",
        "address": {"home": {"level": "3"}},
    }


async def test_what_stands_in_the_place_of_an_embedded_document_is_never_overwritten(here: Place) -> None:
    """The kept value has nowhere to go, and what is there is the application's."""
    await fill(here, validated=False)
    action = ACTIONS["retire_field"]
    pieces = await here.pieces(action)
    await here.up(action, pieces)
    await here.database["item"].update_one({"_id": 1}, {"$set": {"address": "Ulm, Main Street"}})
    with pytest.raises(Failed, match="document 1 ") as failure:
        await here.down(action, pieces)
    assert failure.value.code == "parent-not-embedded"
    first = await here.database["item"].find_one({"_id": 1})
    assert first is not None
    assert first["address"] == "Ulm, Main Street"


@pytest.mark.parametrize("parent", ["Ulm", None, 5])
async def test_an_addition_asks_for_documents_without_a_place_for_it(here: Place, parent: Any) -> None:
    """A server would make an embedded document of whatever is there."""
    await fill(here, validated=False)
    await here.database["item"].insert_one({"_id": 7, "address": parent})
    pieces = await here.pieces(ACTIONS["add_field"])
    found = [await here.backend.probe(probe) for piece in pieces for probe in piece.up.before]
    assert [(result.count, result.keys) for result in found] == [(1, ("7",))]


@pytest.mark.parametrize(
    "name", sorted(set(ACTIONS) - {"build_index", "retire_index", "add_undescribed_field"})
)
async def test_a_path_through_an_array_is_refused(here: Place, name: str) -> None:
    """It names as many values as the array has elements."""
    await fill(here, validated=False)
    await here.database["item"].insert_one({"_id": 7, "address": [{"city": "Ulm"}]})
    with pytest.raises(Refused) as refusal:
        await here.pieces(ACTIONS[name])
    assert refusal.value.code == "path-through-array"


async def test_a_rename_does_not_move_a_field_to_another_document(here: Place) -> None:
    """Moving is another change, with other questions."""
    await fill(here)
    with pytest.raises(Refused) as refusal:
        await here.pieces(RenameField(entity="item", field="city", to="elsewhere"))
    assert refusal.value.code == "parent-differs"


async def test_a_field_is_required_only_inside_what_is_required(here: Place) -> None:
    """Documents without the embedded document would miss the field, and no validator would mind."""
    await fill(here)
    action = AddField(entity="item", field="note", type=parse("Text"), nullable=False, default="x")
    with pytest.raises(Refused) as refusal:
        await here.pieces(action)
    assert refusal.value.code == "parent-not-required"


async def test_an_addition_is_taken_away_as_a_change_of_its_own(here: Place) -> None:
    """The undoing action leaves what the adding one found."""
    await fill(here)
    before = await here.content()
    added = AddField(entity="item", field="note", type=parse("Text"), default="none")
    await here.up(added, await here.pieces(added))
    removed = RemoveField(entity="item", field="note", type=parse("Text"), default="none")
    await here.up(removed, await here.pieces(removed), plan="d" * 32)
    assert await here.content() == before
