"""The records of a MongoDB database as plain values, in batches; `Records` says what each call promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.records import making, read, write
from skill_server.backends.mongo.records.store import Place
from skill_server.backends.records import Edit, Record, Values
from skill_server.model.flow import Expressions
from skill_server.model.names import NameMap


class MongoRecords:
    """Reading by `_id` and writing single documents, each write guarded by the values that were read."""

    def __init__(self, connections: Connections, names: NameMap) -> None:
        self._connections = connections
        self._names = names

    def _place(self, entity: str) -> Place:
        return Place(self._connections, self._names, entity)

    async def page(
        self,
        entity: str,
        fields: Sequence[str],
        *,
        after: str | None,
        limit: int,
        expressions: Expressions | None = None,
        kept: str | None = None,
    ) -> list[Record]:
        """Return up to `limit` documents in the order of `_id`, whatever types it has."""
        return await read.page(
            self._place(entity), fields, after=after, limit=limit, expressions=expressions, kept=kept
        )

    async def find(self, entity: str, by: str, values: Sequence[Any], fields: Sequence[str]) -> list[Record]:
        """Return the documents whose field has one of these values, in order of `_id`."""
        return await read.find(self._place(entity), by, values, fields)

    async def keep(self, kept: str, entity: str, fields: Sequence[str]) -> None:
        """Create the side collection, or do nothing where it exists."""
        await self._place(entity).prepare(kept)

    async def update(self, entity: str, kept: str | None, edits: Sequence[Edit]) -> int:
        """Write values, keeping the old and the new ones first."""
        return await write.update(self._place(entity), kept, edits)

    async def revert(self, entity: str, kept: str, fields: Sequence[str], batch: int) -> None:
        """Give each document that still holds all its new values the old ones, then drop the side collection."""
        await write.revert(self._place(entity), kept, fields, batch)

    async def unchanged(self, entity: str, kept: str, keys: Sequence[str]) -> frozenset[str]:
        """Return the keys of documents that still hold the new values of a side collection."""
        return await read.unchanged(self._place(entity), kept, keys)

    async def release(self, entity: str, kept: str, keys: Sequence[str] | None) -> None:
        """Delete side documents, or drop the side collection."""
        if keys is None:
            await self._place(entity).drop(kept)
        else:
            await self._place(entity).forget(kept, keys)

    async def insert(self, entity: str, kept: str, key: Sequence[str], records: Sequence[Values]) -> int:
        """Make the documents that are not there yet."""
        return await making.insert(self._place(entity), kept, key, records)

    async def withdraw(self, entity: str, kept: str, batch: int) -> None:
        """Delete the made documents that are as they were made, then drop the side collection."""
        await making.withdraw(self._place(entity), kept, batch)
