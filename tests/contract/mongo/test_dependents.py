"""What leans on a field in MongoDB, kind by kind: rebuilt with the change and back, or refused by its name."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128

from skill_server.errors import Refused
from skill_server.model.action import Action, RenameField, RetireField, RetypeField
from skill_server.model.logical import parse
from tests.contract.mongo.undo import Place, place

RENAME = RenameField(entity="item", field="price", to="cost")
RETIRE = RetireField(entity="item", field="price")
RETYPE = RetypeField(entity="item", field="price", was=parse("Text"), to=parse("Decimal(8,2)"))
EACH: dict[str, Action] = {"rename": RENAME, "retire": RETIRE, "retype": RETYPE}
each = pytest.mark.parametrize("action", EACH.values(), ids=EACH.keys())

COMPOUND = {"key": {"name": 1, "price": -1}, "name": "compound"}
PARTIAL_UNIQUE = {
    "key": {"name": 1},
    "name": "partial",
    "unique": True,
    "partialFilterExpression": {"price": {"$exists": True}},
}
COMPARING = {"key": {"name": 1}, "name": "comparing", "partialFilterExpression": {"price": {"$gt": "3"}}}
WILDCARD = {"key": {"$**": 1}, "name": "wildcard", "wildcardProjection": {"price": 1}}
INSIDE = {"key": {"price.amount": 1}, "name": "inside"}
DESCRIBED = {
    "$jsonSchema": {
        "required": ["name", "price", "z"],
        "additionalProperties": False,
        "properties": {
            "_id": {},
            "name": {"bsonType": "string"},
            "price": {"bsonType": "string", "description": "what it costs"},
            "z": {},
        },
    }
}
ELSEWHERE: dict[str, dict[str, Any]] = {
    "expression": {"$expr": {"$ne": ["$price", "$name"]}},
    "query": {"price": {"$exists": True}},
    "one of": {"$jsonSchema": {"anyOf": [{"required": ["price"]}, {"required": ["name"]}]}},
    "dependency": {"$jsonSchema": {"dependencies": {"name": ["price"]}}},
    "pattern": {"$jsonSchema": {"patternProperties": {"^p": {"bsonType": "string"}}}},
    "nested query": {"$or": [{"name": "x"}, {"price": {"$gt": "0"}}]},
}
VIEWS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "direct": ("item", [{"$project": {"shown": "$price"}}]),
    "matching": ("item", [{"$match": {"price": {"$gt": "1"}}}]),
    "lookup": (
        "other",
        [
            {"$lookup": {"from": "item", "localField": "k", "foreignField": "price", "as": "items"}},
        ],
    ),
    "union": ("other", [{"$unionWith": {"coll": "item", "pipeline": [{"$match": {"price": "1"}}]}}]),
}


async def made(here: Place, *indexes: dict[str, Any], **options: Any) -> None:
    """Make the collection with a few documents."""
    await here.database.create_collection("item", **options)
    await here.database["other"].insert_one({"_id": 1, "k": "1.50"})
    await here.database["item"].insert_many(
        [{"_id": at, "name": f"n{at}", "price": f"{at}.50", "z": at} for at in range(5)]
    )
    for index in indexes:
        await here.database.command({"createIndexes": "item", "indexes": [index]})


async def indexes(here: Place) -> dict[str, dict[str, Any]]:
    """Return the indexes of the items by name."""
    cursor = await here.database["item"].list_indexes()
    return {index["name"]: dict(index) for index in await cursor.to_list(None) if index["name"] != "_id_"}


@pytest.mark.parametrize(
    "index", [COMPOUND, PARTIAL_UNIQUE, WILDCARD, INSIDE], ids=lambda index: str(index["name"])
)
@each
async def test_an_index_that_names_the_field_is_rebuilt_and_comes_back(
    mongo_database: str, action: Action, index: dict[str, Any]
) -> None:
    """An index left on the old name would be empty, and one that is gone would let duplicates in."""
    async with place(mongo_database) as here:
        await made(here, index)
        before = await here.content()
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        up = await indexes(here)
        if action is RENAME:
            assert "cost" in str(up)
            assert "price" not in str(up)
        elif action is RETIRE:
            assert up == {}
        else:
            assert set(up) == {index["name"]}
        await here.down(action, pieces)
        assert await here.content() == before


@each
async def test_a_condition_on_values_is_rebuilt_or_refused(mongo_database: str, action: Action) -> None:
    """After a conversion no document would fulfil a comparison with text any more."""
    async with place(mongo_database) as here:
        await made(here, COMPARING)
        before = await here.content()
        if action is RETYPE:
            with pytest.raises(Refused, match="comparing") as refusal:
                await here.pieces(action)
            assert refusal.value.code == "partial-index"
            return
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        (built,) = (await indexes(here)).values() if action is RENAME else (None,)
        assert built is None or built["partialFilterExpression"] == {"cost": {"$gt": "3"}}
        await here.down(action, pieces)
        assert await here.content() == before


@each
async def test_the_description_of_the_field_goes_along_and_comes_back(
    mongo_database: str, action: Action
) -> None:
    """A closed validator would refuse every write under a name or type that it does not know."""
    written: dict[str, dict[str, Any]] = {
        "rename_field": {"name": "new", "cost": "9.00", "z": 1},
        "retire_field": {"name": "new", "z": 1},
        "retype_field": {"name": "new", "price": Decimal128("9.00"), "z": 1},
    }
    async with place(mongo_database) as here:
        await made(here, validator=DESCRIBED)
        before = await here.content()
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        inserted = await here.database["item"].insert_one(written[action.kind])
        await here.database["item"].delete_one({"_id": inserted.inserted_id})
        await here.down(action, pieces)
        assert await here.content() == before


@pytest.mark.parametrize("kind", ELSEWHERE)
@each
async def test_a_rule_elsewhere_in_the_validator_is_refused_by_its_place(
    mongo_database: str, action: Action, kind: str
) -> None:
    """What such a rule means after the change cannot be derived, and a wrong guess stops every write."""
    async with place(mongo_database) as here:
        await made(here, validator=ELSEWHERE[kind])
        with pytest.raises(Refused) as refusal:
            await here.pieces(action)
        assert refusal.value.code == "validator-not-understood"
        word = next(iter(ELSEWHERE[kind]))
        inner = next(iter(ELSEWHERE[kind][word])) if word == "$jsonSchema" else word
        assert inner in refusal.value.message


@pytest.mark.parametrize("chained", [False, True], ids=["itself", "another on it"])
@pytest.mark.parametrize("kind", VIEWS)
@each
async def test_a_view_that_reads_the_field_is_refused_by_its_name(
    mongo_database: str, action: Action, kind: str, chained: bool
) -> None:
    """A view follows no rename: it would go on and show nothing."""
    source, pipeline = VIEWS[kind]
    async with place(mongo_database) as here:
        await made(here)
        if chained:
            through = source if source == "other" else "plain"
            await here.database.command({"create": "plain", "viewOn": "item", "pipeline": []})
            source = through
            pipeline = [
                {
                    word: {**part, "from": "plain"} if word == "$lookup" else part
                    for word, part in stage.items()
                }
                for stage in pipeline
            ]
        await here.database.command({"create": "shown", "viewOn": source, "pipeline": pipeline})
        with pytest.raises(Refused) as refusal:
            await here.pieces(action)
        assert (refusal.value.code, "the view shown" in refusal.value.message) == ("view-names-field", True)


@each
async def test_a_view_that_does_not_name_the_field_stands_in_nobodys_way(
    mongo_database: str, action: Action
) -> None:
    """A refusal without need teaches people to work around the tool."""
    async with place(mongo_database) as here:
        await made(here)
        await here.database.command({"create": "names", "viewOn": "item", "pipeline": [{"$match": {"z": 1}}]})
        assert await here.pieces(action)
