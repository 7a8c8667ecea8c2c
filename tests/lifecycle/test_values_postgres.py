"""Every type of PostgreSQL, odd ones too, is read and written without a change, guarded and kept by its exact value."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from skill_server.backends.records import Edit, Record, Records
from skill_server.errors import Failed
from skill_server.model.ids import BackendKind
from tests.lifecycle.world import World

VALUES = {
    "numeric": ["'NaN'", "'0.00000000000000000000000000000000001'", "'-1.50'", "'1e50'"],
    "numeric(12, 2)": ["'1.50'"],
    "real": ["0.1", "'-Infinity'", "1e-40"],
    "double precision": ["0.1", "'NaN'", "'-0'", "5e-324"],
    "bigint": ["9223372036854775807"],
    "text": ["''", "'größe 🪚'", "E'\\\\ \" \\n'"],
    "char(5)": ["'a  '"],
    "varchar(3)": ["'äöü'"],
    "bytea": ["'\\x00ff'", "''"],
    "boolean": ["true", "false"],
    "date": ["'infinity'", "'0044-03-15 BC'", "'2024-02-29'", "'20000-01-01'"],
    "timestamp": ["'2024-03-31 02:30:00.123456'", "'-infinity'"],
    "timestamptz": ["'2024-03-31 02:30:00.123456+02'", "'infinity'"],
    "interval": ["'1 month 2 days 03:00:00.000001'"],
    "uuid": ["'00000000-0000-0000-0000-000000000007'"],
    "json": ["""'{"b": 1,  "a": 1.10, "b": 2}'""", "'null'", """'["\\u0000"]'""", "'[1.50]'"],
    "jsonb": ["""'{"b": 1.10, "a": 12345678901234567890.5}'""", "'null'", "'[]'", "'\"x\"'"],
    "integer[]": ["'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'", "'{}'"],
    "text[]": ["""'{"a,b","\\"","NULL",NULL}'"""],
    "inet": ["'10.0.0.1/8'"],
    "time": ["'23:59:59.999999'"],
    "int4range": ["'[1,5)'"],
    "mood": ["'happy'"],
    "short": ["'ab'"],
}
PREPARE = (
    "CREATE TYPE mood AS ENUM ('sad', 'happy')",
    "CREATE DOMAIN short AS varchar(2) CHECK (VALUE <> 'zz')",
)


async def all_of(records: Records, kept: str | None = None) -> list[Record]:
    """Return every record of the odd table, with all its values."""
    fields = [f"c{place}" for place in range(len(VALUES))]
    return await records.page("odd", fields, after=None, limit=100, kept=kept)


async def lines(world: World) -> list[str]:
    """Return the rows as the server prints them."""
    connection = await asyncpg.connect(world.postgres_url)
    try:
        return [
            row["line"] for row in await connection.fetch("SELECT o::text AS line FROM odd AS o ORDER BY id")
        ]
    finally:
        await connection.close()


@pytest.fixture
async def odd(world: World) -> World:
    """A table with a column of each type and a row for each value, empty but for it, with a trigger that interferes."""
    columns = ", ".join(f"c{place} {kind}" for place, kind in enumerate(VALUES))
    inserts = [
        f"INSERT INTO odd (c{place}) VALUES ({value})"
        for place, values in enumerate(VALUES.values())
        for value in values
    ]
    await world.execute(
        *PREPARE,
        f"CREATE TABLE odd (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {columns})",
        *inserts,
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        "CREATE TRIGGER stop BEFORE INSERT OR UPDATE OR DELETE ON odd FOR EACH ROW EXECUTE FUNCTION stop()",
    )
    return world


async def test_what_is_read_is_written_back_the_same(odd: World) -> None:
    """Each value is the guard and the new value of an edit that changes nothing, and must match itself."""
    records = odd.pair[BackendKind.POSTGRES].records
    before = await lines(odd)
    found = await all_of(records)
    edits = [Edit(record.key, record.values, record.values) for record in found]
    assert await records.update("odd", None, edits) == len(before)
    assert await lines(odd) == before


async def test_old_values_of_every_type_come_back_to_the_byte(odd: World) -> None:
    """What is kept is kept in the column's own type and never passes through this process."""
    records = odd.pair[BackendKind.POSTGRES].records
    before = await lines(odd)
    fields = [f"c{place}" for place in range(len(VALUES))]
    await records.keep("values_odd", "odd", fields)
    found = await all_of(records)
    edits = [
        Edit(one.key, one.values, other.values)
        for one, other in zip(found, found[1:] + found[:1], strict=True)
    ]
    assert await records.update("odd", "values_odd", edits) == len(before)
    assert await lines(odd) != before
    assert not any(record.written for record in await all_of(records, "values_odd"))
    await records.revert("odd", "values_odd", fields, 3)
    assert await lines(odd) == before


async def test_copied_rows_are_as_they_were_and_go_again(odd: World) -> None:
    """A numbered key is copied too, the sequence goes on behind it, and a row that somebody points at stays."""
    records = odd.pair[BackendKind.POSTGRES].records
    before = await lines(odd)
    found = await all_of(records)
    copies: list[dict[str, Any]] = [{"id": 100 + int(one.shown), **one.values} for one in found]
    assert await records.insert("odd", "values_made", ["id"], copies) == len(before)
    assert await records.insert("odd", "values_made", ["id"], copies) == 0
    made = (await lines(odd))[len(before) :]
    assert [line.partition(",")[2] for line in made] == [line.partition(",")[2] for line in before]
    await odd.execute(
        "ALTER TABLE odd DISABLE TRIGGER stop",
        "INSERT INTO odd (c5) VALUES ('new')",
        "CREATE TABLE user_of (id integer REFERENCES odd ON DELETE CASCADE)",
        "INSERT INTO user_of VALUES (101)",
    )
    assert await odd.value("SELECT max(id) FROM odd") == 100 + len(before) + 1
    await records.withdraw("odd", "values_made", 4)
    left = [json.loads(record.key)[0] for record in await all_of(records)]
    assert left[len(before) :] == ["101", str(100 + len(before) + 1)]
    assert await odd.value("SELECT count(*) FROM user_of") == 1


async def test_a_value_that_would_be_rounded_or_cut_is_refused_with_its_key(odd: World) -> None:
    """The server would round the one and cut the other without a word."""
    records = odd.pair[BackendKind.POSTGRES].records
    (first, *_) = await all_of(records)
    for field, value in (("c1", 1.005), ("c4", 1.5), ("c7", "äöüß"), ("c2", 0.123456789), ("c4", "5")):
        with pytest.raises(Failed) as failure:
            await records.update("odd", None, [Edit(first.key, {}, {field: value})])
        assert failure.value.code == "value-not-held"
        assert first.shown in failure.value.message
