"""A database that has one of everything a backup must carry, and how tests look at one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.connection import Connections
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult

ODD_NAME = "Ärger / %2F+"
LONG_NAME = "x" * 190 + "é" * 10
VALIDATOR = {"name": {"$regex": "^[a-z]", "$options": "i"}, "n": {"$gte": 0}}


async def fill_with_everything(connections: Connections, *, documents: int = 300) -> None:
    """Create collections with options, indexes, odd names and values, views, and what stays out of a backup."""
    database = connections.db()
    await database.create_collection("items", collation={"locale": "de", "strength": 2})
    await database["items"].insert_many(
        [{"_id": key, "name": f"name {key}", "n": key} for key in range(documents)]
    )
    # These break the validator that comes after them, as documents older than a validator do.
    await database["items"].insert_many([{"_id": "legacy", "n": -1}, {"_id": "empty"}])
    await database.command(
        {
            "collMod": "items",
            "validator": VALIDATOR,
            "validationLevel": "moderate",
            "validationAction": "error",
        }
    )
    await database["items"].create_index(
        [("n", -1), ("name", 1)], name="by n", partialFilterExpression={"n": {"$gt": Int64(3)}}
    )
    await database["items"].create_index([("name", 1)], name="by name", unique=True, sparse=True)
    await database.create_collection("log", capped=True, size=65536, max=100)
    await database["log"].insert_many([{"_id": key} for key in (3, 1, 2)])
    await database.create_collection("empty")
    await database[ODD_NAME].insert_one({"_id": {"b": 1, "a": 2}, "a.b": 1, "$c": 2, "": None})
    await database[LONG_NAME].insert_one({"_id": 1})
    await database["types"].insert_one(every_type())
    await database.command({"create": "a view", "viewOn": "items", "pipeline": [{"$match": VALIDATOR}]})
    for own in ("database_migration.event", "database_migration.lock"):
        await database[own].insert_one({"_id": 1, "kept": True})


def every_type() -> dict[str, Any]:
    """Return a document with a value of every type that a driver writes."""
    return {
        "_id": ObjectId("0123456789abcdef01234567"),
        "double": float("nan"),
        "negative zero": -0.0,
        "text": "é\x00漢",
        "embedded": {"z": 1, "a": [1, 1.0, Int64(1)]},
        "binary": bson.Binary(b"\x00\xff", 128),
        "boolean": False,
        "date": datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
        "null": None,
        "pattern": Regex("a+", "i"),
        "code": Code("f()", {"x": 1}),
        "integer": 1,
        "timestamp": Timestamp(1, 2),
        "long": Int64(1),
        "decimal": Decimal128("1.000"),
        "least": MinKey(),
        "most": MaxKey(),
    }


async def dump_a_little(connections: Connections, directory: Path) -> DumpResult:
    """Dump two collections of a few documents."""
    await connections.db()["items"].insert_many([{"_id": key, "n": key} for key in range(20)])
    await connections.db()["items"].create_index("n")
    await connections.db()["types"].insert_one({"_id": 1})
    return await dump(connections, NameMap(), directory)


async def content_of(connections: Connections) -> dict[str, tuple[Any, Any, list[bytes]]]:
    """Return options, indexes and sorted raw documents of everything but the product's own and views' content."""
    database = connections.db()
    found: dict[str, tuple[Any, Any, list[bytes]]] = {}
    async for entry in await database.list_collections():
        name, options = entry["name"], entry["options"]
        if name.startswith("database_migration"):
            continue
        if "viewOn" in options:
            found[name] = (options, None, [])
            continue
        indexes = {index["name"]: index.to_dict() async for index in database[name].list_indexes()}
        documents = [document.raw async for document in connections.raw(name).find()]
        found[name] = (options, indexes, sorted(documents))
    return found
