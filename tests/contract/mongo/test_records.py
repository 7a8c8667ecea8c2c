"""What only MongoDB's records have: keys of any type, values no other database knows, missing fields, nested paths."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from skill_server.backends.mongo import MongoBackend
from skill_server.backends.mongo.documents import raw
from skill_server.backends.records import Edit, Native, Record
from skill_server.errors import Failed
from skill_server.model.flow import Expressions
from skill_server.model.ids import BackendKind
from skill_server.model.names import EntityNames, NameMap
from tests.contract.mongo.undo import Place
from tests.support.servers import mongodb_client

PATHS = {"city": "address.city", "street": "address.home.street", "id": "_id"}
NAMES = NameMap(
    entities={
        "person": EntityNames(
            postgres="person",
            mongodb="person",
            fields={name: {BackendKind.MONGODB: path} for name, path in PATHS.items()},
        )
    }
)
KEPT = "values_0123456789abcdef"
OID = ObjectId("0123456789abcdef01234567")


@pytest_asyncio.fixture(loop_scope="session")
async def here(mongo_database: str) -> AsyncIterator[Place]:
    """An empty database, whose map says where nested fields lie."""
    backend = MongoBackend(mongo_database, NAMES)
    async with mongodb_client(mongo_database) as client:
        yield Place(backend, client.get_default_database())
        await backend.close()


async def page(here: Place, *fields: str, limit: int = 100, **more: Any) -> list[Record]:
    """Return the first records."""
    return await here.backend.records.page("person", fields, after=None, limit=limit, **more)


async def write(here: Place, **values: Any) -> int:
    """Write the same values into every record, keeping the old ones."""
    records = here.backend.records
    await records.keep(KEPT, "person", list(values))
    edits = [Edit(key=record.key, read={}, write=values) for record in await page(here)]
    return await records.update("person", KEPT, edits)


async def test_keys_of_every_type_are_paged_through_once(here: Place) -> None:
    """A comparison with $gt stops at the end of a type, and would forget every document after it."""
    keys = [
        *(MinKey(), None, float("nan"), float("-inf"), 1, Int64(2), 2.5, Decimal128("3"), "a", "b"),
        *({"a": 1}, {"a": 1, "b": 2}, Binary(b"x", 5), Binary(b"1" * 16, 4), OID, False, True),
        *(datetime(2020, 1, 1, tzinfo=UTC), Timestamp(1, 1), MaxKey()),
    ]
    shuffled = random.Random(4).sample(keys, len(keys))
    await here.database["person"].insert_many([{"_id": key} for key in shuffled])
    seen: list[str] = []
    while True:
        found = await here.backend.records.page("person", [], after=seen[-1] if seen else None, limit=3)
        seen += [record.key for record in found]
        if len(found) < 3:
            break
    assert len(seen) == len(set(seen)) == len(keys)
    expected = [record.key for record in await page(here)]
    assert seen == expected


ODD = {
    "oid": OID,
    "regex": Regex("^a", "i"),
    "code": Code("x"),
    "stamp": Timestamp(3, 4),
    "min": MinKey(),
    "long": Int64(5),
    "binary": Binary(b"\x00", 5),
    "uid": Binary(uuid.UUID(int=7).bytes, 4),
    "decimal": Decimal128("1.500"),
    "inside": {"deep": [Int64(1), {"oid": OID, "binary": Binary(b"\x01", 128)}]},
}


@pytest.mark.parametrize("name", ODD)
async def test_a_moved_value_is_written_as_it_was_read(here: Place, name: str) -> None:
    """Merging and moving fields must not turn a long into an int or an ObjectId into text."""
    await here.database["person"].insert_one({"_id": 1, "from": ODD[name]})
    (record,) = await page(here, "from")
    edit = Edit(key=record.key, read=record.values, write={"to": record.values["from"]})
    assert await here.backend.records.update("person", None, [edit]) == 1
    (document,) = (await here.content()).documents["person"]
    was, now = raw.find(document, "from"), raw.find(document, "to")
    assert was is not None
    assert now is not None
    assert was.value == now.value


async def test_a_missing_field_stays_missing_and_null_stays_null(here: Place) -> None:
    """The two mean different things to an application and to a validator."""
    await here.database["person"].insert_many([{"_id": 1, "name": None}, {"_id": 2}])
    assert [record.values for record in await page(here, "name")] == [{"name": None}, {}]


NESTED: list[dict[str, Any]] = [
    {"_id": 1, "z": 1, "address": {"zip": "1", "city": "Ulm", "home": {"street": "A", "no": 1}}, "end": 1},
    {"_id": 2, "address": {"zip": "2"}},
    {"_id": 3, "name": "none"},
    {"_id": 4, "address": {}},
    {"_id": 5, "address": {"home": {}, "city": None}},
]


async def test_nested_values_are_read_and_written_at_their_path_and_come_back(here: Place) -> None:
    """Embedded documents that the update itself made go again, and those that were empty stay."""
    await here.database["person"].insert_many(NESTED)
    before = await here.content()
    assert [record.values for record in await page(here, "city", "street")] == [
        {"city": "Ulm", "street": "A"},
        {},
        {},
        {},
        {"city": None},
    ]
    assert await write(here, city="Bonn", street="B") == 5
    documents = await here.database["person"].find().to_list()
    assert documents[0] == NESTED[0] | {
        "address": {"zip": "1", "city": "Bonn", "home": {"street": "B", "no": 1}}
    }
    assert documents[2]["address"] == {"city": "Bonn", "home": {"street": "B"}}
    assert not any(record.written for record in await page(here, kept=KEPT))
    await here.backend.records.revert("person", KEPT, ["city", "street"], 2)
    assert await here.content() == before


@pytest.mark.parametrize("parent", ["Ulm", 5, None, [], [{"city": "Ulm"}]])
async def test_a_value_in_the_place_of_an_embedded_document_is_never_overwritten(
    here: Place, parent: Any
) -> None:
    """An aggregation would make an embedded document of it, and lose it."""
    await here.database["person"].insert_one({"_id": 77, "address": parent})
    before = await here.content()
    with pytest.raises(Failed, match="77") as failure:
        await write(here, city="Bonn")
    assert failure.value.code == "parent-not-embedded"
    assert await here.content() == before


async def test_a_moment_with_microseconds_is_refused_by_its_key(here: Place) -> None:
    """MongoDB would cut them off without a word."""
    await here.database["person"].insert_one({"_id": 77})
    moment = datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)
    with pytest.raises(Failed, match=r"77.*microseconds"):
        await write(here, born=moment)
    with pytest.raises(Failed, match=r"78.*microseconds"):
        await here.backend.records.insert("person", KEPT, ["id"], [{"id": 78, "born": moment}])


async def test_an_identifier_is_found_by_its_text_and_an_array_is_no_value(here: Place) -> None:
    """The other database knows an ObjectId or a UUID as text; an element of an array is not the field."""
    uid = uuid.UUID(int=5)
    documents: list[dict[str, Any]] = [
        {"_id": 1, "ref": OID},
        {"_id": 2, "ref": str(OID)},
        {"_id": 3, "ref": [OID]},
    ]
    documents.append({"_id": 4, "ref": Binary(uid.bytes, 4)})
    await here.database["person"].insert_many(documents)
    records = here.backend.records
    for value in (str(OID), Native(str(OID), None)):
        assert [r.shown for r in await records.find("person", "ref", [value], [])] == ["1", "2"]
    for value in (uid, str(uid)):
        assert [r.shown for r in await records.find("person", "ref", [value], [])] == ["4"]


async def test_an_expression_may_be_a_plain_value_or_give_nothing(here: Place) -> None:
    """In a projection the number 1 would mean that the field is shown."""
    await here.database["person"].insert_one({"_id": 1, "address": {"city": "Ulm"}})
    expressions = Expressions(
        postgres={}, mongodb={"one": 1, "yes": True, "no": "$none", "city": "$address.city"}
    )
    (record,) = await page(here, expressions=expressions)
    assert record.computed == {"one": 1, "yes": True, "city": "Ulm"}


async def test_numbers_are_written_in_the_type_that_the_validator_asks_for(here: Place) -> None:
    """PostgreSQL tells a number's size, not which of four BSON types the application reads."""
    words = {"long": "long", "double": "double", "decimal": "decimal", "int": ["int", "null"]}
    properties = {name: {"bsonType": word} for name, word in words.items()}
    nested = {"bsonType": "object", "properties": {"city": {"bsonType": "long"}}}
    schema = {"$jsonSchema": {"properties": {**properties, "address": nested}}}
    await here.database.create_collection("person", validator=schema)
    new = {"id": 1, "long": 5, "double": 5, "decimal": 5, "int": 5, "city": 5}
    assert await here.backend.records.insert("person", KEPT, ["id"], [new]) == 1
    assert await here.database["person"].find_one() == {
        "_id": 1,
        "long": Int64(5),
        "double": 5.0,
        "decimal": Decimal128("5"),
        "int": 5,
        "address": {"city": Int64(5)},
    }


async def test_a_document_that_another_unique_index_refuses_is_not_passed_over(here: Place) -> None:
    """Only a taken key means that the record is there; any other collision would lose it."""
    await here.database["person"].create_index("mail", unique=True)
    await here.database["person"].insert_one({"_id": 1, "mail": "a"})
    new = [{"id": 2, "mail": "b"}, {"id": 3, "mail": "a"}]
    with pytest.raises(Failed, match="record 3") as failure:
        await here.backend.records.insert("person", KEPT, ["id"], new)
    assert failure.value.code == "value-refused"
    await here.backend.records.withdraw("person", KEPT, 5)
    assert [record.shown for record in await page(here)] == ["1"]


async def test_a_key_without_an_id_of_its_own_gives_always_the_same_one(here: Place) -> None:
    """A copy that is broken off after its insert must find the documents that it made."""
    new = [{"name": "a", "n": 1}, {"name": "b", "n": 1}]
    records = here.backend.records
    assert await records.insert("person", KEPT, ["name", "n"], new) == 2
    first = await here.content()
    await here.database["person"].delete_many({})
    await here.database["database_migration_kept." + KEPT].drop()
    assert await records.insert("person", KEPT, ["name", "n"], new) == 2
    assert await here.content() == first
    assert all(isinstance(d["_id"], ObjectId) for d in await here.database["person"].find().to_list())
