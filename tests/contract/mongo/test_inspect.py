"""What inspection sees, and what it leaves out of the fingerprint."""

from __future__ import annotations

from typing import Any

from bson import Binary, Int64

from skill_server.backends.mongo import MongoBackend
from skill_server.model.ids import BackendKind
from skill_server.model.names import EntityNames, NameMap
from tests.contract.mongo.undo import place


async def test_fields_come_from_documents_and_validator(mongo_database: str) -> None:
    """MongoDB has no list of fields, so both sources count, with every type that was seen."""
    names = NameMap(
        entities={
            "items": EntityNames(
                postgres="items", mongodb="item", fields={"desc": {BackendKind.MONGODB: "ItemDesc"}}
            )
        }
    )
    rules: dict[str, Any] = {"$jsonSchema": {"properties": {"name": {"bsonType": "string", "maxLength": 9}}}}
    async with place(mongo_database) as here:
        await here.database.create_collection("item", validator=rules)
        await here.database["item"].insert_many(
            [
                {"_id": 1, "ItemDesc": "a", "n": 1, "mixed": 1, "u": Binary(bytes(16), 4)},
                {"_id": 2, "ItemDesc": None, "n": Int64(2), "mixed": "x", "u": Binary(bytes(16), 4)},
            ]
        )
        await here.database["item"].create_index({"ItemDesc": -1}, unique=True, sparse=True)
        await here.database.command({"create": "seen", "viewOn": "item", "pipeline": []})
        backend = MongoBackend(mongo_database, names)

        snapshot = await backend.inspect()
        await backend.close()

    entity = snapshot.entity("items")
    assert entity is not None
    found = {field.name: (str(field.type), field.native_type, field.nullable) for field in entity.fields}
    assert found == {
        "_id": ("Integer", "int", False),
        "desc": ("Text", "string", True),
        "n": ("BigInteger", "int|long", False),
        "mixed": ("None", "int|string", False),
        "u": ("Uuid", "binData", False),
        "name": ("String(9)", "string", True),
    }
    (index,) = entity.indexes
    assert (index.unique, index.fields, index.keys[0].descending) == (True, ("desc",), True)
    assert (entity.records, entity.native_name) == (2, "item")
    view = snapshot.entity("seen")
    assert view is not None
    assert view.options["kind"] == "view"


async def test_the_fingerprint_covers_the_catalog_alone(mongo_database: str) -> None:
    """Documents and the product's own collections come and go; an index, option or rule is a different schema."""
    async with place(mongo_database) as here:
        await here.database["item"].insert_one({"a": 1})
        first = (await here.backend.inspect()).fingerprint
        await here.database["item"].insert_one({"b": "text"})
        await here.database["database_migration.kept_0123"].insert_one({"a": 1})
        assert (await here.backend.inspect()).fingerprint == first

        await here.database["item"].create_index({"a": 1, "b": 1}, name="i")
        indexed = (await here.backend.inspect()).fingerprint
        await here.database["item"].drop_index("i")
        await here.database["item"].create_index({"b": 1, "a": 1}, name="i")
        turned = (await here.backend.inspect()).fingerprint
        await here.database["item"].drop_index("i")
        await here.database.command({"collMod": "item", "validator": {"a": {"$exists": True}}})
        ruled = (await here.backend.inspect()).fingerprint
        await here.database.command({"collMod": "item", "validator": {}})

        assert len({first, indexed, turned, ruled}) == 4
        assert (await here.backend.inspect()).fingerprint == first


async def test_the_server_says_who_it_is(mongo_database: str) -> None:
    """A clone must not pass for the original, so the identity holds more than the name."""
    async with place(mongo_database) as here:
        empty = await here.backend.identity()
        await here.database["item"].insert_one({"a": 1})
        filled = await here.backend.identity()

    assert empty.database_id == "none"
    assert filled.database_id not in {"none", ""}
    assert filled.database == here.backend.database
    assert filled.topology in {"standalone", "replica_set", "sharded"}
    assert filled.transactions is (filled.topology != "standalone")
    assert (filled.writable, filled.warnings) == (True, empty.warnings)
