"""Fills the MongoDB collections with the same records, in the form that documents have."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, AsyncMongoClient, IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from ..models import Base, Item, ItemType, Location, Log, User
from ..repositories.mongo_documents import COLLECTIONS, Document, to_document
from .errors import DatabaseNotEmptyError
from .records import Record

DRIVER_BATCH = 1_000
# 2021-01-01T00:00:00Z: an identifier begins with the moment of its making.
FIRST_OBJECT_ID_SECOND = 1_609_459_200

_TEXT = {"bsonType": "string"}
_TEXT_OR_NULL = {"bsonType": ["string", "null"]}
_KEY = {"bsonType": ["int", "long"]}

VALIDATORS: Mapping[type[Base], Document] = {
    User: {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["UserID", "UserKey", "UserName", "UserEmail", "PasswordHash"],
            "properties": {
                "_id": {"bsonType": "objectId"},
                "UserID": _KEY,
                "UserKey": _TEXT,
                "UserName": _TEXT,
                "UserEmail": _TEXT,
                "UserFullName": _TEXT_OR_NULL,
                "PasswordHash": _TEXT,
                "IsActive": {"bsonType": "bool"},
                "favorites": {"bsonType": "array", "items": _KEY},
                "JoinedOn": _TEXT,
                "LastLoginAt": {"bsonType": ["date", "null"]},
                "Notes": _TEXT_OR_NULL,
            },
            "additionalProperties": False,
        }
    },
    Item: {
        "$jsonSchema": {
            "bsonType": "object",
            "required": ["ItemID", "ItemName", "ItemOwner"],
            "properties": {"ItemID": _KEY, "ItemName": _TEXT, "ItemOwner": _KEY},
        }
    },
}


def _index(*fields: str, unique: bool = False, **options: Any) -> IndexModel:
    return IndexModel([(field, ASCENDING) for field in fields], unique=unique, **options)


INDEXES: Mapping[type[Base], list[IndexModel]] = {
    User: [
        _index("UserID", unique=True),
        _index("UserKey", unique=True),
        _index("UserName", unique=True),
        _index("UserEmail", unique=True),
    ],
    ItemType: [
        _index("TypeID", unique=True),
        _index("TypeName"),
        _index("ParentTypeID", "TypeName", unique=True),
    ],
    Location: [
        _index("LocationID", unique=True),
        _index("LocationName", unique=True),
        _index("Building", "Shelf", unique=True),
    ],
    Item: [
        _index("ItemID", unique=True),
        _index("ItemName"),
        # Only text is unique: any number of items may have no serial number.
        _index("ItemSerial", unique=True, partialFilterExpression={"ItemSerial": {"$type": "string"}}),
        _index("ItemOwner", "ItemDateAdded"),
        _index("ItemType"),
        _index("ItemLocation"),
    ],
    Log: [_index("LogID", unique=True), _index("LogAction"), _index("LogItem", "LoggedAt")],
}


class MongoLoader:
    """A database that is being filled."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncGenerator[MongoLoader]:
        """Connect to the database that the URL names."""
        client: AsyncMongoClient[Document] = AsyncMongoClient(url)
        async with client:
            yield cls(client.get_default_database())

    async def create_collections(self) -> None:
        """Create the collections with their validators.

        Raises:
            DatabaseNotEmptyError: one of them exists.
        """
        found = set(await self._database.list_collection_names()) & set(COLLECTIONS.values())
        if found:
            raise DatabaseNotEmptyError("MongoDB", list(found))
        for model, name in COLLECTIONS.items():
            if model in VALIDATORS:
                await self._database.create_collection(name, validator=VALIDATORS[model])
            else:
                await self._database.create_collection(name)

    async def load(self, model: type[Base], chunk: Sequence[Record]) -> None:
        """Append records to the model's collection."""
        collection = self._database[COLLECTIONS[model]]
        for start in range(0, len(chunk), DRIVER_BATCH):
            documents = [_document(model, record) for record in chunk[start : start + DRIVER_BATCH]]
            await collection.insert_many(documents, ordered=False)

    async def create_indexes(self) -> None:
        """Build the indexes of every collection."""
        for model, indexes in INDEXES.items():
            await self._database[COLLECTIONS[model]].create_indexes(indexes)


def _document(model: type[Base], record: Record) -> Document:
    values = list(record.items())
    key: int = values[0][1]
    # An old application writes nothing for most empty fields and null for the rest.
    present = {
        name: value
        for place, (name, value) in enumerate(values)
        if value is not None or (key + place) % 3 == 0
    }
    return {"_id": _object_id(model, key), **to_document(present)}


def _object_id(model: type[Base], key: int) -> ObjectId:
    # The same data must get the same identifiers on every machine; the driver would make random ones.
    machine = list(COLLECTIONS).index(model)
    return ObjectId(f"{FIRST_OBJECT_ID_SECOND:08x}{machine:010x}{key % 0x1000000:06x}")
