"""The guard of every write: a filter that holds only while a field has exactly the value that was read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import raw

VALUES: list[Any] = [
    None,
    "",
    "1",
    "$literal",
    "$x",
    1,
    Int64(1),
    1.0,
    Decimal128("1"),
    True,
    {"$literal": 1},
    {"a": 1, "b": [1]},
    # The same keys in another order are another value to MongoDB, but not to SecantusDB 0.7, so no such pair is here.
    {"b": [1], "a": 2},
    [],
    [1],
    [[1]],
    datetime(2024, 1, 1, tzinfo=UTC),
    ObjectId("0123456789abcdef01234567"),
    Binary(b"1"),
    Binary(b"1", 5),
    Regex("1"),
    Timestamp(1, 1),
    MinKey(),
    MaxKey(),
]


@pytest.mark.parametrize(
    "number", range(len(VALUES)), ids=[f"{key}_{type(value).__name__}" for key, value in enumerate(VALUES)]
)
async def test_the_guard_holds_for_its_own_value_alone(connections: Connections, number: int) -> None:
    """A concurrent writer who only changes the type of a number must not lose what was written."""
    collection = connections.db()["item"]
    await collection.insert_many([{"_id": key, "x": value} for key, value in enumerate(VALUES)])
    await collection.insert_one({"_id": "missing"})

    found = await collection.find({"$expr": raw.is_exactly("x", raw.encoded(VALUES[number]))}).to_list(None)

    assert [document["_id"] for document in found] == [number]
