"""Creates the tables from the models and fills them with COPY, in one transaction."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import JSON, Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from ..database import postgres_engine
from ..models import Base
from .errors import DatabaseNotEmptyError
from .records import Record

EXISTING_TABLES = text(
    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(:names)"
)
ITEM_OVERVIEW = text(
    'CREATE VIEW item_overview AS SELECT "ItemID", "ItemName", "ItemOwner", "ItemType", "ItemLocation" FROM items'
)


class PostgresLoader:
    """One connection inside one transaction, which commits when the loader is left without an error."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncGenerator[PostgresLoader]:
        """Connect to the database that the URL names."""
        async with postgres_engine(url).begin() as connection:
            yield cls(connection)

    async def create_tables(self) -> None:
        """Create the tables with their primary keys, checks and unique constraints.

        Raises:
            DatabaseNotEmptyError: one of them exists.
        """
        names = [table.name for table in _tables()]
        found = (await self._connection.scalars(EXISTING_TABLES, {"names": names})).all()
        if found:
            raise DatabaseNotEmptyError("PostgreSQL", list(found))
        for table in _tables():
            await self._connection.execute(CreateTable(table, include_foreign_key_constraints=[]))

    async def load(self, model: type[Base], chunk: Sequence[Record]) -> None:
        """Append records to the model's table."""
        table = Base.metadata.tables[model.__tablename__]
        columns = [column.name for column in table.columns]
        json_columns = {column.name for column in table.columns if isinstance(column.type, JSON)}
        rows = [
            tuple(_copied(record[name], as_json=name in json_columns) for name in columns) for record in chunk
        ]
        # SQLAlchemy has no COPY; asyncpg's own connection, inside the same transaction, has.
        asyncpg_connection: Any = (await self._connection.get_raw_connection()).driver_connection
        await asyncpg_connection.copy_records_to_table(table.name, columns=columns, records=rows)

    async def close_schema(self) -> None:
        """Add foreign keys, indexes and the view, and move every sequence past the loaded keys."""
        for table in _tables():
            for column in table.columns:
                for key in column.foreign_keys:
                    if key.constraint is not None:
                        await self._connection.execute(AddConstraint(key.constraint))
            for index in sorted(table.indexes, key=lambda found: str(found.name)):
                await self._connection.execute(CreateIndex(index))
            await self._advance_sequence(table)
        await self._connection.execute(ITEM_OVERVIEW)

    async def _advance_sequence(self, table: Table) -> None:
        (key,) = table.primary_key.columns
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        # The largest key of an empty table is NULL, and setval ignores that.
        await self._connection.execute(select(func.setval(sequence, select(func.max(key)).scalar_subquery())))


def _tables() -> list[Table]:
    return Base.metadata.sorted_tables


def _copied(value: Any, *, as_json: bool) -> Any:
    return json.dumps(value, ensure_ascii=False) if as_json and value is not None else value
