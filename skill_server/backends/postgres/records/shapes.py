"""What reading and writing rows needs to know of a table, asked of the catalog each time: names, types, key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.identifiers import SCHEMA, quoted
from skill_server.backends.postgres.records.values import Type
from skill_server.backends.postgres.schema.catalog import USER_SCHEMA
from skill_server.errors import Refused
from skill_server.model.base import digest
from skill_server.model.ids import KEPT_NAME, LONGEST_NAME_BYTES, BackendKind
from skill_server.model.names import NameMap

# A table goes by its qualified name, by its bare one in the schema public, or by it where no other table has it.
_TABLE: Final = f"""
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {USER_SCHEMA}
  AND ($1 = c.relname OR $1 = format('%s.%s', n.nspname, c.relname))
ORDER BY $1 = format('%s.%s', n.nspname, c.relname) DESC, n.nspname = '{SCHEMA}' DESC
"""
# A domain is read and written as the type it is made of; its rules hold when the value is assigned.
_COLUMNS: Final = """
SELECT a.attname::text AS name, format_type(b.oid, -1) AS sql, b.typname::text AS kind, b.typtype = 'e' AS enum,
       b.typcategory = 'A' AND b.typelem <> 0 AS array, e.typname::text AS element, e.typtype = 'e' AS enums,
       CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE greatest(t.typtypmod, -1) END AS modifier,
       a.attgenerated::text <> '' AS generated, k.place
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_type AS e ON e.oid = b.typelem
LEFT JOIN pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
LEFT JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    ON k.number = a.attnum AND k.place <= i.indnkeyatts
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_TRIGGERS: Final = """
SELECT tgname::text AS name, tgenabled::text AS enabled FROM pg_trigger
WHERE tgrelid = $1 AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY tgname
"""
_INBOUND: Final = """
SELECT k.conrelid::regclass::text AS child,
       ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS ours,
       ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS theirs
FROM pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid = $1 AND k.conparentid = 0
"""
_ENABLE = {"O": "ENABLE TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}
_HEADER = 4  # bytes that the type modifier of a text or numeric counts in (VARHDRSZ)


@dataclass(frozen=True)
class Column:
    """A column under its logical name."""

    name: str
    native: str
    type: Type

    @property
    def sql(self) -> str:
        """The quoted column of the row `t`."""
        return f"t.{quoted(self.native)}"

    def kept(self, side: str) -> str:
        """Return the quoted column of a store that holds the `old` or the `new` value."""
        name = f"{side}_{self.native}"
        if len(name.encode()) > LONGEST_NAME_BYTES:
            name = f"{side}_{digest(self.native)}"
        return quoted(name)


@dataclass(frozen=True)
class Shape:
    """A table, its columns by logical name, and its primary key."""

    oid: int
    entity: str
    table: str
    columns: dict[str, Column]
    key: tuple[Column, ...]

    def column(self, field: str) -> Column:
        """Return the column of a field.

        Raises:
            Refused: there is none (`field-missing`).
        """
        if (found := self.columns.get(field)) is None:
            raise Refused(
                "field-missing",
                f"{self.entity} has no field {field!r} in PostgreSQL",
                help="Name a field that inspect_schema shows.",
                next_tool="inspect_schema",
            )
        return found

    @property
    def key_array(self) -> str:
        """The JSON array of the key's texts of the row `t`, as stores hold it."""
        return f"jsonb_build_array({', '.join(f'{column.sql}::text' for column in self.key)})"

    def found_by(self, json_array: str) -> str:
        """Return the condition that the row `t` has the key in a JSON array, in words that its index serves."""
        pairs = [
            f"{column.sql} = ({json_array} ->> {place})::{column.type.sql}"
            for place, column in enumerate(self.key)
        ]
        return " AND ".join(pairs)


def store(kept: str) -> str:
    """Return the quoted table of a store."""
    return quoted(KEPT_NAME, kept)


async def read(connection: Connection, names: NameMap, entity: str) -> Shape:
    """Read a table's shape.

    Raises:
        Refused: there is no such table (`entity-missing`), several (`entity-ambiguous`), or its rows have no primary
            key to be found again by (`key-missing`).
    """
    rows = await connection.fetch(_TABLE, names.native_entity(entity, BackendKind.POSTGRES))
    if not rows:
        raise Refused(
            "entity-missing",
            f"PostgreSQL has no table for {entity!r}",
            help="Name an entity that inspect_schema shows.",
            next_tool="inspect_schema",
        )
    if len(rows) > 1 and rows[0]["schema"] != SCHEMA:
        raise Refused(
            "entity-ambiguous",
            f"several tables are called {entity!r}",
            help="Write schema.table in the name map.",
        )
    described = await connection.fetch(_COLUMNS, rows[0]["oid"])
    columns = {
        name: Column(name, row["name"], _type(row))
        for row in described
        if (name := names.logical_field(entity, row["name"], BackendKind.POSTGRES))
    }
    places = {row["name"]: row["place"] for row in described if row["place"] is not None}
    key = sorted(
        (column for column in columns.values() if column.native in places),
        key=lambda column: places[column.native],
    )
    if not key:
        raise Refused(
            "key-missing",
            f"the rows of {entity} have no primary key, so they could not be found again",
            help="Give the table a primary key first.",
        )
    return Shape(rows[0]["oid"], entity, quoted(rows[0]["schema"], rows[0]["name"]), columns, tuple(key))


async def stored(connection: Connection, kept: str) -> frozenset[str]:
    """Return the quoted columns of a store; none where it does not exist."""
    rows = await connection.fetch(
        "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0",
        store(kept),
    )
    return frozenset(quoted(row["name"]) for row in rows)


async def triggers(connection: Connection, shape: Shape) -> tuple[list[str], list[str]]:
    """Return the statements that silence the table's own triggers, and those that wake them as they were."""
    rows = await connection.fetch(_TRIGGERS, shape.oid)
    off = [f"ALTER TABLE {shape.table} DISABLE TRIGGER {quoted(row['name'])}" for row in rows]
    on = [f"ALTER TABLE {shape.table} {_ENABLE[row['enabled']]} {quoted(row['name'])}" for row in rows]
    return off, on


async def unreferenced(connection: Connection, shape: Shape) -> Sequence[str]:
    """Return the conditions that no row of another table points at the row `t`."""
    rows = await connection.fetch(_INBOUND, shape.oid)
    return [
        f"NOT EXISTS (SELECT FROM {row['child']} AS c WHERE "
        + " AND ".join(
            f"c.{ours} = t.{theirs}" for ours, theirs in zip(row["ours"], row["theirs"], strict=True)
        )
        + ")"
        for row in rows
    ]


def _type(row: asyncpg.Record) -> Type:
    array: bool = row["array"]
    kind: str = "enum" if row["enums" if array else "enum"] else row["element" if array else "kind"]
    modifier: int = row["modifier"]
    if modifier < 0:
        return Type(kind, row["sql"], array)
    if kind in ("varchar", "bpchar"):
        return Type(kind, row["sql"], array, length=modifier - _HEADER)
    if kind == "numeric":
        # numeric.c, make_numeric_typmod: precision above, and an 11-bit signed scale below.
        scale = (modifier - _HEADER) & 0x7FF
        return Type(
            kind,
            row["sql"],
            array,
            precision=((modifier - _HEADER) >> 16) & 0xFFFF,
            scale=scale - 0x800 if scale & 0x400 else scale,
        )
    return Type(kind, row["sql"], array)
