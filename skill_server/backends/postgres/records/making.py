"""Making rows that are not there yet, and deleting the made ones that nobody wrote to."""

from collections.abc import Sequence
from itertools import groupby

from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.records import shapes
from skill_server.backends.postgres.records.blame import blaming
from skill_server.backends.postgres.records.shapes import Column, Shape
from skill_server.backends.postgres.records.write import text_of
from skill_server.backends.records import Values
from skill_server.errors import Failed
from skill_server.model.ids import KEPT_NAME


async def insert(
    connection: Connection, shape: Shape, kept: str, key: Sequence[str], records: Sequence[Values]
) -> int:
    """Make the rows whose key no row has, keeping each as it was made; return how many.

    Raises:
        Failed: `key-missing` or `value-not-held`, with the key of the record.
    """

    def shown(record: Values) -> str:
        return ", ".join(str(record.get(field)) for field in key)

    for record in records:
        if missing := [field for field in key if record.get(field) is None]:
            raise Failed(
                "key-missing",
                f"a record for {shape.entity} ({shown(record)}) has no value in {', '.join(missing)}, "
                "by which its records are told apart",
                help="Leave such records out, or choose another key.",
            )
    await _prepare(connection, kept)
    made = 0
    for fields, group in groupby(sorted(records, key=sorted), key=sorted):
        columns = [shape.column(field) for field in fields]
        query = _inserting(shape, kept, columns, [column for column in columns if column.name in key])

        async def write(
            part: Sequence[Values], query: str = query, columns: Sequence[Column] = columns
        ) -> int:
            texts = [[text_of(column, record, shown(record)) for record in part] for column in columns]
            found: int = await connection.fetchval(query, *texts)
            return found

        made += await blaming(connection, list(group), write, shown)
    if made:
        await _advance(connection, shape)
    return made


async def _prepare(connection: Connection, kept: str) -> None:
    if not await shapes.stored(connection, kept):
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(KEPT_NAME)}")
        await connection.execute(
            f"CREATE TABLE {shapes.store(kept)} (key jsonb PRIMARY KEY, made jsonb NOT NULL)"
        )


def _inserting(shape: Shape, kept: str, columns: Sequence[Column], keys: Sequence[Column]) -> str:
    places = {column.name: f"s{place}" for place, column in enumerate(columns)}
    arrays = ", ".join(f"${place}::text[]" for place in range(1, len(columns) + 1))
    same = " AND ".join(f"{column.sql} = s.{places[column.name]}::{column.type.sql}" for column in keys)
    values = ", ".join(f"s.{places[column.name]}::{column.type.sql}" for column in columns)
    made = ", ".join(f"m.{quoted(column.native)}::text" for column in shape.key)
    return (
        f"WITH source AS (SELECT * FROM unnest({arrays}) AS s ({', '.join(places.values())})), "
        f"made AS (INSERT INTO {shape.table} ({', '.join(quoted(column.native) for column in columns)}) "
        # A key that the database would number by itself is copied as well.
        f"OVERRIDING SYSTEM VALUE SELECT {values} FROM source AS s "
        f"WHERE NOT EXISTS (SELECT FROM {shape.table} AS t WHERE {same}) ON CONFLICT DO NOTHING RETURNING *), "
        f"kept AS (INSERT INTO {shapes.store(kept)} (key, made) "
        f"SELECT jsonb_build_array({made}), {_whole(shape, 'm')} FROM made AS m) SELECT count(*) FROM made"
    )


def _whole(shape: Shape, alias: str) -> str:
    """Return the expression of a row as one value that does not depend on the order of columns."""
    # As jsonb a json value would forget its spelling, and fail for a NUL.
    columns = [
        f"{alias}.{quoted(column.native)}{'::text' if column.type.kind == 'json' else ''} AS {quoted(column.native)}"
        for column in shape.columns.values()
    ]
    return f"(SELECT to_jsonb(r) FROM (SELECT {', '.join(columns)}) AS r)"


async def _advance(connection: Connection, shape: Shape) -> None:
    """Let the sequence of a key go on behind the greatest one, so that the next new row finds its number free."""
    for column in shape.key:
        sequence = await connection.fetchval(
            "SELECT pg_get_serial_sequence($1, $2)", shape.table, column.native
        )
        if sequence is not None:
            await connection.execute(
                f"SELECT setval($1::text::regclass, greatest((SELECT max({column.sql}) FROM {shape.table} AS t), "
                f"(SELECT last_value FROM {sequence})))",
                sequence,
            )


async def withdraw(connection: Connection, shape: Shape, kept: str, batch: int) -> bool:
    """Delete the next made rows that are as they were made; drop the store after the last.

    A row that another one points at stays: its deletion would fail, or take what was written since along.

    Returns:
        Whether there may be more.
    """
    if not await shapes.stored(connection, kept):
        return False
    store = shapes.store(kept)
    conditions = [
        shape.found_by("p.key"),
        f"{_whole(shape, 't')} = p.made",
        *await shapes.unreferenced(connection, shape),
    ]
    done: int = await connection.fetchval(
        f"WITH part AS (SELECT * FROM {store} ORDER BY key LIMIT {batch} FOR UPDATE), "
        f"gone AS (DELETE FROM {shape.table} AS t USING part AS p WHERE {' AND '.join(conditions)}), "
        f"done AS (DELETE FROM {store} AS k USING part AS p WHERE k.key = p.key RETURNING 1) "
        "SELECT count(*) FROM done"
    )
    if done < batch:
        await connection.execute(f"DROP TABLE {store}")
    return done == batch
