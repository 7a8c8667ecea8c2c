"""The rows of a PostgreSQL database as plain values, in batches; `backends.records.Records` says what each call means.

Rows are found by primary key. Each batch of writes is one transaction. A table's own triggers are disabled inside it,
where it has any, because they would alter rows that a migration only carries over; that takes a lock which lets nobody
else write to the table until the batch is committed (`session_replication_role` would need a superuser, and would
silence foreign keys as well).
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.records import making, read, shapes, write
from skill_server.backends.postgres.records.patience import patiently
from skill_server.backends.records import Edit, Record, Values
from skill_server.model.flow import Expressions
from skill_server.model.names import NameMap

_SETTINGS = {
    # Long enough for a writer to end its transaction, short enough not to queue everybody behind us.
    "lock_timeout": "2s",
    "statement_timeout": "600s",
    "idle_in_transaction_session_timeout": "60s",
    "synchronous_commit": "on",
}


class PostgresRecords:
    """Keeps `backends.records.Records`."""

    def __init__(self, connections: Connections, names: NameMap) -> None:
        self._connections = connections
        self._names = names

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
        """Return up to `limit` rows in the order of their primary key."""
        async with self._reading(entity) as (connection, shape):
            return await read.page(
                connection,
                shape,
                fields,
                after=after,
                limit=limit,
                expressions=expressions.postgres if expressions else {},
                kept=kept,
            )

    async def find(self, entity: str, by: str, values: Sequence[Any], fields: Sequence[str]) -> list[Record]:
        """Return the rows whose field has one of these values, in the order of their primary key."""
        async with self._reading(entity) as (connection, shape):
            return await read.find(connection, shape, by, values, fields)

    async def keep(self, kept: str, entity: str, fields: Sequence[str]) -> None:
        """Create the table of old and new values, or do nothing where it exists."""
        async for attempt in patiently():
            with attempt:
                async with self._writing(entity, silenced=False) as (connection, shape):
                    await write.keep(connection, shape, kept, fields)

    async def update(self, entity: str, kept: str | None, edits: Sequence[Edit]) -> int:
        """Write values, keeping the old and the new ones in the same transaction."""
        written = 0
        async for attempt in patiently():
            with attempt:
                async with self._writing(entity) as (connection, shape):
                    written = await write.update(connection, shape, kept, edits)
        return written

    async def revert(self, entity: str, kept: str, fields: Sequence[str], batch: int) -> None:
        """Give each row that still holds its new values the old ones, then drop the store."""
        left = True
        while left:
            async for attempt in patiently():
                with attempt:
                    async with self._writing(entity) as (connection, shape):
                        left = await write.revert(connection, shape, kept, fields, batch)

    async def unchanged(self, entity: str, kept: str, keys: Sequence[str]) -> frozenset[str]:
        """Return the keys of rows that still hold the new values of a store."""
        async with self._reading(entity) as (connection, shape):
            return await read.unchanged(connection, shape, kept, keys)

    async def release(self, entity: str, kept: str, keys: Sequence[str] | None) -> None:
        """Delete rows of a store, or drop it."""
        async for attempt in patiently():
            with attempt:
                async with self._writing(entity, silenced=False) as (connection, _):
                    await write.release(connection, kept, keys)

    async def insert(self, entity: str, kept: str, key: Sequence[str], records: Sequence[Values]) -> int:
        """Make the rows whose key no row has; a sequence that feeds the key goes on behind the greatest of them."""
        made = 0
        async for attempt in patiently():
            with attempt:
                async with self._writing(entity) as (connection, shape):
                    made = await making.insert(connection, shape, kept, key, records)
        return made

    async def withdraw(self, entity: str, kept: str, batch: int) -> None:
        """Delete the made rows that are as they were made and that no other row points at, then drop the store."""
        left = True
        while left:
            async for attempt in patiently():
                with attempt:
                    async with self._writing(entity) as (connection, shape):
                        left = await making.withdraw(connection, shape, kept, batch)

    @asynccontextmanager
    async def _reading(self, entity: str) -> AsyncGenerator[tuple[Connection, shapes.Shape]]:
        async with (
            self._connections.session(purpose="reading records") as connection,
            # Expressions of an author are computed here, and must not write.
            connection.transaction(readonly=True),
        ):
            yield connection, await shapes.read(connection, self._names, entity)

    @asynccontextmanager
    async def _writing(
        self, entity: str, *, silenced: bool = True
    ) -> AsyncGenerator[tuple[Connection, shapes.Shape]]:
        async with (
            self._connections.session(purpose="writing records", settings=_SETTINGS) as connection,
            connection.transaction(),
        ):
            shape = await shapes.read(connection, self._names, entity)
            off, on = await shapes.triggers(connection, shape) if silenced else ([], [])
            for statement in off:
                await connection.execute(statement)
            yield connection, shape
            if on:
                # A table with a deferred constraint's check still to come cannot be altered.
                await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for statement in on:
                await connection.execute(statement)
