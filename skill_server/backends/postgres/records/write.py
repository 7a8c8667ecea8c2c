"""Writing new values into rows that still hold what was read, and giving the old ones back."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.records import shapes
from skill_server.backends.postgres.records.blame import blaming
from skill_server.backends.postgres.records.read import same_text
from skill_server.backends.postgres.records.shapes import Column, Shape
from skill_server.backends.postgres.records.values import encoded
from skill_server.backends.records import Edit
from skill_server.errors import Failed, Refused
from skill_server.model.ids import KEPT_NAME


async def keep(connection: Connection, shape: Shape, kept: str, fields: Sequence[str]) -> None:
    """Create the store, with columns of the very types of the table's."""
    if await shapes.stored(connection, kept):
        return
    columns = [
        f"{column.sql} AS {column.kept(side)}"
        for field in fields
        for side in ("old", "new")
        if (column := shape.column(field))
    ]
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(KEPT_NAME)}")
    await connection.execute(
        f"CREATE TABLE {shapes.store(kept)} AS SELECT {', '.join(['NULL::jsonb AS key', *columns])} "
        f"FROM {shape.table} AS t WHERE false"
    )
    await connection.execute(f"ALTER TABLE {shapes.store(kept)} ADD PRIMARY KEY (key)")


async def update(connection: Connection, shape: Shape, kept: str | None, edits: Sequence[Edit]) -> int:
    """Write the edits whose rows still hold what was read; return how many.

    Raises:
        Failed: a column cannot hold a value (`value-not-held`), with the key of the row.
        Refused: a field is part of the primary key (`field-not-changeable`).
    """
    names = await shapes.stored(connection, kept) if kept is not None else frozenset[str]()
    written = 0
    for (reads, writes), group in groupby(sorted(edits, key=_fields), key=_fields):
        fixed = [column.name for column in shape.key if column.name in writes]
        if fixed:
            raise Refused(
                "field-not-changeable",
                f"{fixed[0]} of {shape.entity} is part of its primary key, by which rows are found again",
                help="Write to another field.",
            )
        batch = _Batch(shape, [shape.column(name) for name in reads], [shape.column(name) for name in writes])
        query = batch.query(shapes.store(kept), names) if kept is not None else batch.query(None, names)

        async def write(part: Sequence[Edit], query: str = query, batch: "_Batch" = batch) -> int:
            found: int = await connection.fetchval(query, *batch.arguments(part))
            return found

        written += await blaming(connection, list(group), write, shown)
    return written


def shown(edit: Edit) -> str:
    """Return the key of an edit's row as people read it."""
    return ", ".join(json.loads(edit.key))


def _fields(edit: Edit) -> tuple[list[str], list[str]]:
    return sorted(edit.read), sorted(edit.write)


class _Batch:
    """The statement for edits of the same fields: every value is a text in an array, cast to the column's type."""

    def __init__(self, shape: Shape, reads: Sequence[Column], writes: Sequence[Column]) -> None:
        self._shape = shape
        self._reads = reads
        self._writes = writes

    def arguments(self, edits: Sequence[Edit]) -> list[list[str | None]]:
        """Return the arrays: the keys, what was read, what to write."""
        read = [[text_of(column, edit.read, shown(edit)) for edit in edits] for column in self._reads]
        write = [[text_of(column, edit.write, shown(edit)) for edit in edits] for column in self._writes]
        return [[edit.key for edit in edits], *read, *write]

    def query(self, kept: str | None, names: frozenset[str]) -> str:
        """Return the statement; its one value is how many rows it found unchanged, and wrote."""
        reads = [f"r{place}" for place in range(len(self._reads))]
        writes = [f"w{place}" for place in range(len(self._writes))]
        arrays = ", ".join(f"${place}::text[]" for place in range(1, 2 + len(reads) + len(writes)))
        guards = [
            self._unchanged(column, f"e.{name}") for column, name in zip(self._reads, reads, strict=True)
        ]
        current = [f"{column.sql} AS {name}" for column, name in self._kept_columns(names)]
        parts = [
            f"edit AS (SELECT * FROM unnest({arrays}) AS e ({', '.join(['key', *reads, *writes])}))",
            # Locked, so that the values that are kept are those that are overwritten.
            f"found AS (SELECT {', '.join(['e.*', *current])} FROM edit AS e JOIN {self._shape.table} AS t "
            f"ON {self._shape.found_by('e.key::jsonb')} "
            f"WHERE {' AND '.join(guards) or 'true'} FOR UPDATE OF t)",
        ]
        new = {
            column.name: f"f.{name}::{column.type.sql}"
            for column, name in zip(self._writes, writes, strict=True)
        }
        if kept is not None:
            parts.append(f"kept AS ({self._keeping(kept, names, new)})")
        if new:
            setting = ", ".join(f"{quoted(column.native)} = {new[column.name]}" for column in self._writes)
            changed = " OR ".join(f"NOT ({same_text(c.sql, f'({new[c.name]})')})" for c in self._writes)
            parts.append(
                f"changed AS (UPDATE {self._shape.table} AS t SET {setting} FROM found AS f "
                f"WHERE {self._shape.found_by('f.key::jsonb')} AND ({changed}))"
            )
        return f"WITH {', '.join(parts)} SELECT count(*) FROM found"

    def _kept_columns(self, names: frozenset[str]) -> list[tuple[Column, str]]:
        return [
            (column, f"c{place}")
            for place, column in enumerate(self._shape.columns.values())
            if column.kept("new") in names
        ]

    def _keeping(self, kept: str, names: frozenset[str], new: Mapping[str, str]) -> str:
        columns = self._kept_columns(names)
        targets = ["key", *(column.kept(side) for side in ("old", "new") for column, _ in columns)]
        values = ["f.key::jsonb", *(f"f.{name}" for _, name in columns)]
        values += [new.get(column.name, f"f.{name}") for column, name in columns]
        again = [f"{column.kept('new')} = excluded.{column.kept('new')}" for column, _ in columns]
        for column, _ in columns:
            old, before = f"k.{column.kept('old')}", f"excluded.{column.kept('old')}"
            new_before = f"k.{column.kept('new')}"
            # A value that no earlier round found or wrote is the application's, and what a downgrade owes it.
            ours = f"{same_text(before, old)} OR {same_text(before, new_before)}"
            again.append(f"{column.kept('old')} = CASE WHEN {ours} THEN {old} ELSE {before} END")
        return (
            f"INSERT INTO {kept} AS k ({', '.join(targets)}) SELECT {', '.join(values)} FROM found AS f "
            f"ON CONFLICT (key) DO UPDATE SET {', '.join(again)}"
            if columns
            else f"INSERT INTO {kept} (key) SELECT f.key::jsonb FROM found AS f ON CONFLICT DO NOTHING"
        )

    def _unchanged(self, column: Column, text: str) -> str:
        if not column.type.is_json:
            return same_text(column.sql, f"({text}::{column.type.sql})")
        # Numbers in JSON have many spellings; a NUL is one that only the text can be compared by.
        spelled = f"({column.sql}::text LIKE '%\\\\u0000%' OR {text} LIKE '%\\\\u0000%')"
        return (
            f"CASE WHEN {spelled} THEN {column.sql}::text IS NOT DISTINCT FROM {text} "
            f"ELSE {column.sql}::jsonb IS NOT DISTINCT FROM {text}::jsonb END"
        )


def text_of(column: Column, values: Mapping[str, Any], shown: str) -> str | None:
    """Return the text of a value for a column.

    Raises:
        Failed: the column cannot hold it (`value-not-held`).
    """
    try:
        return encoded(values[column.name], column.type)
    except (ValueError, ArithmeticError) as error:
        raise Failed(
            "value-not-held",
            f"the new value of {column.name} of the record {shown} cannot be held by PostgreSQL: {error}",
            help="Round or correct the value where it is computed.",
            detail={"record": shown},
        ) from error


async def revert(connection: Connection, shape: Shape, kept: str, fields: Sequence[str], batch: int) -> bool:
    """Give the old values to the next rows that still hold their new ones; drop the store after the last.

    Returns:
        Whether there may be more.
    """
    names = await shapes.stored(connection, kept)
    if not names:
        return False
    columns = [column for column in shape.columns.values() if column.kept("new") in names]
    same = " AND ".join(same_text(column.sql, f"p.{column.kept('new')}") for column in columns)
    setting = ", ".join(
        f"{quoted(column.native)} = p.{column.kept('old')}" for column in columns if column.name in fields
    )
    store = shapes.store(kept)
    parts = [f"part AS (SELECT * FROM {store} ORDER BY key LIMIT {batch} FOR UPDATE)"]
    if setting:
        parts.append(
            f"back AS (UPDATE {shape.table} AS t SET {setting} FROM part AS p "
            f"WHERE {shape.found_by('p.key')} AND {same})"
        )
    parts.append(f"done AS (DELETE FROM {store} AS k USING part AS p WHERE k.key = p.key RETURNING 1)")
    done: int = await connection.fetchval(f"WITH {', '.join(parts)} SELECT count(*) FROM done")
    if done < batch:
        await connection.execute(f"DROP TABLE {store}")
    return done == batch


async def release(connection: Connection, kept: str, keys: Sequence[str] | None) -> None:
    """Forget what is kept of these rows, or all of it."""
    if keys is None:
        await connection.execute(f"DROP TABLE IF EXISTS {shapes.store(kept)}")
    elif await shapes.stored(connection, kept):
        await connection.execute(
            f"DELETE FROM {shapes.store(kept)} WHERE key = ANY ($1::text[]::jsonb[])", list(keys)
        )
