"""Reading rows as records: pages in the order of the primary key, rows found by a value, and what expressions give."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.records import shapes
from skill_server.backends.postgres.records.shapes import Column, Shape
from skill_server.backends.postgres.records.values import decoded, encoded, shown
from skill_server.backends.records import Record


async def page(
    connection: Connection,
    shape: Shape,
    fields: Sequence[str],
    *,
    after: str | None,
    limit: int,
    expressions: Mapping[str, str],
    kept: str | None,
) -> list[Record]:
    """Return up to `limit` rows behind the one with the key `after`."""
    columns = [shape.column(field) for field in fields]
    written = await _written(connection, shape, kept)
    where, arguments = "true", list[Any]()
    if after is not None:
        places = ", ".join(f"${place}::text::{column.type.sql}" for place, column in enumerate(shape.key, 1))
        where = f"({', '.join(column.sql for column in shape.key)}) > ({places})"
        arguments = json.loads(after)
    computed = {field: (text, shape.column(field)) for field, text in expressions.items()}
    try:
        async with connection.transaction():
            rows = await _rows(connection, shape, columns, computed, written, where, arguments, limit)
    except asyncpg.PostgresError as error:
        if not computed or failures.is_connection_loss(error):
            raise
        # One row that cannot be computed fails the statement for all, so each is asked by itself.
        rows = await _rows(connection, shape, columns, {}, written, where, arguments, limit)
        plain = [_record(row, shape, columns, {}) for row in rows]
        return [await _alone(connection, shape, columns, computed, record) for record in plain]
    return [_record(row, shape, columns, computed) for row in rows]


async def find(
    connection: Connection, shape: Shape, by: str, values: Sequence[Any], fields: Sequence[str]
) -> list[Record]:
    """Return the rows whose field `by` has one of the values; a value that the column cannot hold finds nothing."""
    column = shape.column(by)
    columns = [shape.column(field) for field in dict.fromkeys([by, *fields])]
    wanted: list[str] = []
    for value in values:
        try:
            text = encoded(value, column.type)
        except ValueError:
            continue
        if text is not None:
            wanted.append(text)
    where = f"{column.sql} = ANY (ARRAY(SELECT v.v::{column.type.sql} FROM unnest($1::text[]) AS v (v)))"
    rows = await _rows(connection, shape, columns, {}, "true", where, [wanted], None)
    return [_record(row, shape, columns, {}) for row in rows]


async def unchanged(connection: Connection, shape: Shape, kept: str, keys: Sequence[str]) -> frozenset[str]:
    """Return the keys of rows that still hold the new values of a store."""
    written = await _written(connection, shape, kept)
    rows = await connection.fetch(
        f"SELECT e.key FROM unnest($1::text[]) AS e (key) JOIN {shape.table} AS t "
        f"ON {shape.found_by('e.key::jsonb')} WHERE NOT ({written})",
        list(keys),
    )
    return frozenset(row["key"] for row in rows)


async def _rows(
    connection: Connection,
    shape: Shape,
    columns: Sequence[Column],
    computed: Mapping[str, tuple[str, Column]],
    written: str,
    where: str,
    arguments: Sequence[Any],
    limit: int | None,
) -> list[asyncpg.Record]:
    wanted = [
        *(f"{column.sql}::text" for column in shape.key),
        written,
        *(shown(column.sql, column.type) for column in columns),
        # The line break ends a comment that an author may have put at the end.
        *(shown(f"(({text}\n)::{column.type.sql})", column.type) for text, column in computed.values()),
    ]
    order = ", ".join(column.sql for column in shape.key)
    bound = f" LIMIT {limit}" if limit is not None else ""
    return await connection.fetch(
        f"SELECT {', '.join(wanted)} FROM {shape.table} AS t WHERE {where} ORDER BY {order}{bound}",
        *arguments,
    )


def _record(
    row: asyncpg.Record,
    shape: Shape,
    columns: Sequence[Column],
    computed: Mapping[str, tuple[str, Column]],
) -> Record:
    cells: list[Any] = list(row.values())
    width = len(shape.key)
    key, written, rest = cells[:width], cells[width], cells[width + 1 :]
    values = {column.name: decoded(cell, column.type) for column, cell in zip(columns, rest, strict=False)}
    found = zip(computed.items(), rest[len(columns) :], strict=True)
    return Record(
        key=json.dumps(key),
        shown=", ".join(key),
        values=values,
        computed={field: decoded(cell, column.type) for (field, (_, column)), cell in found},
        written=written,
    )


async def _alone(
    connection: Connection,
    shape: Shape,
    columns: Sequence[Column],
    computed: Mapping[str, tuple[str, Column]],
    record: Record,
) -> Record:
    where = shape.found_by("$1::text::jsonb")
    problem = "it is gone"
    try:
        async with connection.transaction():
            rows = await _rows(connection, shape, columns, computed, "true", where, [record.key], None)
        if rows:
            found = _record(rows[0], shape, columns, computed)
            return Record(record.key, record.shown, found.values, found.computed, written=record.written)
    except asyncpg.PostgresError as error:
        if failures.is_connection_loss(error):
            raise
        problem = failures.server_text(error)
    return Record(record.key, record.shown, record.values, problem=problem, written=record.written)


async def _written(connection: Connection, shape: Shape, kept: str | None) -> str:
    """Return the condition that somebody wrote to the row `t` since the store kept its new values."""
    names = await shapes.stored(connection, kept) if kept is not None else frozenset[str]()
    if kept is None or not names:
        return "true"
    same = [
        same_text(column.sql, f"k.{column.kept('new')}")
        for column in shape.columns.values()
        if column.kept("new") in names
    ]
    conditions = " AND ".join([f"k.key = {shape.key_array}", *same])
    return f"NOT EXISTS (SELECT FROM {shapes.store(kept)} AS k WHERE {conditions})"


def same_text(one: str, other: str) -> str:
    """Return the condition that two values are spelled the same, which no collation and no rule of `=` softens."""
    return f'{one}::text COLLATE "C" IS NOT DISTINCT FROM {other}::text COLLATE "C"'
