"""Indexes of every shape on a real server: partial, regardless of case, expiring, words; and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError, OperationFailure

from skill_server.errors import Refused
from skill_server.model.action import BuildIndex
from skill_server.model.hazard import Hazard
from skill_server.model.snapshot import Condition, IndexKey
from tests.contract.mongo.test_undo import fill
from tests.contract.mongo.undo import PLAN_UP, POLICY, Place, place, steps

NAME = (IndexKey(field="ItemName"),)


def built(**shape: Any) -> BuildIndex:
    """Return the action that builds an index of the items."""
    return BuildIndex.model_validate({"entity": "item", "name": "made", "keys": NAME, **shape})


SHAPES = {
    "descending": built(keys=(IndexKey(field="n", descending=True), IndexKey(field="ItemName"))),
    "partial": built(where=(Condition(field="ItemName", operator=">=", value="B"),)),
    "partial_range": built(
        keys=(IndexKey(field="price"),),
        where=(
            Condition(field="ItemName", operator=">", value="A"),
            Condition(field="ItemName", operator="<", value="M"),
            Condition(field="price", operator="present"),
        ),
    ),
    "partial_twice": built(
        where=(
            Condition(field="ItemName", operator="<", value="Z"),
            Condition(field="ItemName", operator="<", value="Y"),
        ),
    ),
    "unique_where_present": built(
        keys=(IndexKey(field="price"),), unique=True, where=(Condition(field="price", operator="present"),)
    ),
    "ignoring_case": built(ignore_case=True, unique=True),
    "expression": built(expression='lower("ItemName")'),
    "expiring": built(keys=(IndexKey(field="seen"),), expire_after_s=3600),
    "nested": built(keys=(IndexKey(field="tags"), IndexKey(field="z"))),
}


async def definition(here: Place, name: str = "made") -> dict[str, Any]:
    """Return an index as the server describes it."""
    cursor = await here.database["item"].list_indexes()
    return next(dict(index) for index in await cursor.to_list(None) if index["name"] == name)


@pytest.mark.parametrize("name", SHAPES)
async def test_an_index_of_any_shape_comes_and_goes_without_a_trace(mongo_database: str, name: str) -> None:
    """Building twice is building once, and so is dropping."""
    action = SHAPES[name]
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        before = await here.content()
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        up = await here.content()
        assert up.documents == before.documents
        assert up.fingerprint != before.fingerprint
        (step,) = steps(action, pieces)
        await here.backend.run("1" * 32, [step], POLICY)
        assert await here.content() == up
        undone = action.inverse()
        back = await here.pieces(undone)
        await here.up(undone, back, plan="2" * 32)
        assert await here.content() == before
        await here.down(undone, back, plan="3" * 32)
        assert await here.content() == up
        await here.down(action, pieces, plan="4" * 32)
        await here.backend.run("5" * 32, [step.reversed()], POLICY)
        assert await here.content() == before


async def test_a_unique_index_of_present_values_admits_nulls_and_missing_ones(mongo_database: str) -> None:
    """So does `WHERE price IS NOT NULL` on PostgreSQL; `$exists` would take two nulls for duplicates."""
    action = SHAPES["unique_where_present"]
    async with place(mongo_database) as here:
        item = here.database["item"]
        await item.insert_many([{"price": None}, {"price": None}, {}, {}, {"price": "1"}])
        await here.up(action, await here.pieces(action))
        await item.insert_many([{"price": None}, {}])
        with pytest.raises(DuplicateKeyError):
            await item.insert_one({"price": "1"})


async def test_duplicates_that_differ_in_case_are_listed_before(mongo_database: str) -> None:
    """A build that fails half-way through a large collection has cost its whole time."""
    action = SHAPES["ignoring_case"]
    async with place(mongo_database) as here:
        item = here.database["item"]
        await item.insert_many([{"_id": at, "ItemName": name} for at, name in enumerate(("Saw", "SAW", "x"))])
        (piece,) = await here.pieces(action)
        found = await here.backend.probe(piece.up.before[0])
        assert (found.count, found.keys) == (2, ("0", "1"))
        await item.delete_one({"_id": 1})
        await here.up(action, (piece,))
        with pytest.raises(DuplicateKeyError):
            await item.insert_one({"ItemName": "sAW"})


async def test_an_expiring_index_says_what_it_deletes(mongo_database: str) -> None:
    """The server deletes as soon as the index is there, and no downgrade brings those documents back."""
    async with place(mongo_database) as here:
        await here.database["item"].insert_one({"seen": datetime(2026, 1, 1, tzinfo=UTC)})
        (piece,) = await here.pieces(SHAPES["expiring"])
        assert Hazard.DELETES_DATA in piece.up.hazards
        assert "deletes documents 3600 seconds after" in piece.up.summary


async def test_an_expression_is_said_to_become_a_plain_index(mongo_database: str) -> None:
    """The nearest that MongoDB has is not the same, and a reader of the plan must know."""
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        (piece,) = await here.pieces(SHAPES["expression"])
        assert "indexes no expressions" in piece.up.summary


async def test_words_are_indexed_where_the_server_can(mongo_database: str) -> None:
    """MongoDB has text indexes; a server that speaks its protocol and has none refuses, and nothing is left."""
    action = built(method="text", keys=(IndexKey(field="ItemName"), IndexKey(field="ItemDesc")))
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        before = await here.content()
        pieces = await here.pieces(action)
        try:
            await here.database["probe"].create_index([("x", "text")])
        except OperationFailure:
            pytest.skip("this server has no text indexes")
        finally:
            await here.database.drop_collection("probe")
        await here.up(action, pieces)
        assert (await definition(here))["weights"] == {"ItemName": 1, "ItemDesc": 1}
        await here.backend.journal.forget(PLAN_UP)
        await here.up(action, pieces)
        await here.down(action, pieces)
        assert await here.content() == before


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (built(name="both"), "index-exists"),
        (built(keys=(IndexKey(field="ItemDesc"),)), "index-exists"),
        (built(keys=(IndexKey(field=None),)), "index-not-possible"),
        (built(expire_after_s=1, keys=(IndexKey(field="a"), IndexKey(field="b"))), "index-not-possible"),
        (built(expire_after_s=1, keys=(IndexKey(field="_id"),)), "index-not-possible"),
        (built(method="text", unique=True), "index-not-possible"),
        (built(where=(Condition(field="n", operator="=", value=None),)), "index-not-possible"),
    ],
    ids=["name", "keys", "expression alone", "two moments", "by _id", "unique words", "nothing"],
)
async def test_what_mongodb_cannot_index_is_refused(
    mongo_database: str, action: BuildIndex, code: str
) -> None:
    """A refusal at planning costs nothing."""
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        with pytest.raises(Refused) as refusal:
            await here.pieces(action)
        assert refusal.value.code == code


async def test_an_index_on_the_same_fields_with_another_condition_is_another_index(
    mongo_database: str,
) -> None:
    """MongoDB keeps both, and so does PostgreSQL."""
    first = built(where=(Condition(field="ItemName", operator="<", value="M"),))
    second = built(name="other", where=(Condition(field="ItemName", operator=">=", value="M"),))
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        await here.up(first, await here.pieces(first))
        await here.up(second, await here.pieces(second), plan="b" * 32)
        assert (await definition(here, "other"))["partialFilterExpression"] == {"ItemName": {"$gte": "M"}}
