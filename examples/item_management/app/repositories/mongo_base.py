"""What all MongoDB repositories share: integer keys beside `_id`, and defaults on insert."""

from __future__ import annotations

from typing import Any, ClassVar, Generic

from pymongo import DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from .mongo_documents import COLLECTIONS, Document, Model, assigned_values, from_document, to_document

KEY_ATTEMPTS = 20


class MongoRepository(Generic[Model]):
    """Creates, reads and deletes records of one model by their integer key."""

    model: type[Model]
    key_field: ClassVar[str]

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self.collection = database[COLLECTIONS[self.model]]

    def defaults(self) -> dict[str, Any]:
        """Return what a new record holds where nothing was given, as PostgreSQL's defaults would."""
        return {}

    async def create(self, record: Model, /) -> Model:
        """Insert the record under the next free key.

        Raises:
            DuplicateKeyError: a unique field is taken, or other writers took every key that was tried.
        """
        values = self.defaults() | assigned_values(record)
        for attempts_left in reversed(range(KEY_ATTEMPTS)):
            key = await self._next_key()
            document = to_document(values | {self.key_field: key})
            try:
                await self.collection.insert_one(document)
            except DuplicateKeyError:
                key_is_free = await self.get(key) is None
                if key_is_free or not attempts_left:
                    raise
            else:
                return from_document(self.model, document)
        raise AssertionError("the last attempt either returns or raises")

    async def get(self, key: int, /) -> Model | None:
        """Return the record with this key."""
        document = await self.collection.find_one({self.key_field: key})
        return None if document is None else from_document(self.model, document)

    async def delete(self, key: int, /) -> bool:
        """Delete the record with this key; say whether there was one."""
        return (await self.collection.delete_one({self.key_field: key})).deleted_count == 1

    async def find(self, query: Document, sort: list[tuple[str, int]], limit: int = 0) -> list[Model]:
        """Return the records that match, in order; a limit of 0 means all."""
        cursor = self.collection.find(query, sort=sort, limit=limit)
        return [from_document(self.model, document) async for document in cursor]

    async def _next_key(self) -> int:
        newest = await self.collection.find_one(sort=[(self.key_field, DESCENDING)])
        return 1 if newest is None else newest[self.key_field] + 1
