"""A field that holds values of several BSON types: what a conversion would round or cut is listed by its key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, Int64

from skill_server.errors import Failed
from skill_server.model.action import RetypeField
from skill_server.model.logical import parse
from tests.contract.mongo.undo import PLAN_UP, POLICY, place, steps

LONG = Int64(2**53 + 1)
DAY = datetime(2024, 2, 29, tzinfo=UTC)
MOMENT = datetime(2024, 2, 29, 13, 30, tzinfo=UTC)

# Of each conversion: the values that lose nothing with what they become, and those that would.
Mixed = tuple[list[tuple[Any, Any]], list[Any]]
MIXED: Mapping[tuple[str, str], Mixed] = {
    ("Text", "Integer"): ([("5", 5), (5.0, 5), (Decimal128("6.0"), 6)], [5.5, True, Decimal128("5.5")]),
    ("Integer", "BigInteger"): ([(5, 5), (Int64(6), 6), (7.0, 7)], [5.5, Decimal128("5.5"), True]),
    ("BigInteger", "Integer"): ([(Int64(5), 5), (6.0, 6)], [5.5, False, LONG]),
    ("Integer", "Float"): ([(5, 5.0), (Int64(6), 6.0), (7.5, 7.5)], [LONG, True]),
    ("Float", "Integer"): ([(2.5, 2), (3.5, 4), (5, 5)], [Decimal128("5.5"), True]),
    ("Decimal(5,1)", "Integer"): ([(Decimal128("2.5"), 3), (4.0, 4)], [5.5, True]),
    ("Text", "Date"): ([("2024-02-29", DAY), (DAY, DAY)], [MOMENT]),
    ("Date", "Text"): ([(DAY, "2024-02-29"), ("any", "any")], [MOMENT]),
    ("DateTime", "Date"): ([(MOMENT, DAY), (DAY, DAY), ("2024-02-29", DAY)], ["2024-02-29T13:30:00"]),
}
BSON_TYPE = {"Integer": "int", "BigInteger": "long", "Float": "double", "Date": "date", "Text": "string"}


@pytest.mark.parametrize("pair", MIXED, ids=" to ".join)
async def test_mixed_values_are_listed_where_they_would_lose_something(
    mongo_database: str, pair: tuple[str, str]
) -> None:
    """Nothing changes silently: each value converts with all it says, or its document is named and stays as it is."""
    was, to = pair
    kept, lost = MIXED[pair]
    values = [*(value for value, _ in kept), *lost]
    action = RetypeField(entity="item", field="v", was=parse(was), to=parse(to))
    async with place(mongo_database) as here:
        item = here.database["item"]
        await item.insert_many([{"_id": key, "v": value} for key, value in enumerate(values)])
        pieces = await here.pieces(action)
        listed = {
            int(key)
            for step in steps(action, pieces)
            for probe in step.forward.before
            for key in (await here.backend.probe(probe)).keys
        }
        assert listed == set(range(len(kept), len(values)))

        for key in listed:
            await item.delete_many({"_id": {"$ne": key}})
            before = await item.find().to_list(None)
            with pytest.raises(Failed) as caught:
                await here.backend.run(PLAN_UP, steps(action, pieces), POLICY)
            assert caught.value.code == "value-not-convertible"
            assert await item.find().to_list(None) == before
            await item.delete_many({})
            await item.insert_many([{"_id": other, "v": value} for other, value in enumerate(values)])
            await here.backend.journal.forget(PLAN_UP)

        await item.delete_many({"_id": {"$in": list(listed)}})
        before_all = await here.content()
        await here.up(action, pieces)
        assert await item.count_documents({"v": {"$type": BSON_TYPE[to]}}) == len(kept)
        found = {document["_id"]: document["v"] async for document in item.find()}
        assert [_comparable(found[key]) for key in range(len(kept))] == [_comparable(new) for _, new in kept]
        await here.down(action, pieces)
        assert await here.content() == before_all


def _comparable(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
