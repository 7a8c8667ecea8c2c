"""Content checksums: one scan of each table gives a row count and, for each column, a keyed sum and a NULL count.

Every value is hashed as text with the hash of its row's primary key as the seed, and the 64-bit hashes are added up:
independent of order, yet two rows that swap values, or equal rows that vanish in pairs, change the sum. A table without
primary key is a multiset: its columns have seed 0, and the pseudo-field `*` sums the hashes of whole rows.
The sums find accidents, not forgery.

Counted once: a partitioned table as its root, an inheritance child as itself. Left out: the ledger; tables of
extensions (CREATE EXTENSION brings them); materialized views (computed); foreign tables (elsewhere); sequences, which
ignore snapshots, so that a comparison has to ask whether the restored one is at least as far.
Large objects are the pseudo-entity `pg_largeobject`, where there are any.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.schema.catalog import COLUMN_ORDER, INHERITS
from skill_server.backends.postgres.schema.naming import logical_names
from skill_server.errors import Refused
from skill_server.model.content import WHOLE
from skill_server.model.ids import LEDGER_NAME, BackendKind
from skill_server.model.names import NameMap
from skill_server.model.receipt import Checksums, FieldChecksums

# The text of a value depends on these (manual, sections 8.5, 8.1.3, 8.4, 8.2); money on lc_monetary.
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "lc_monetary": "C",
    # A policy that hides rows must be an error, not a smaller sum.
    "row_security": "off",
    # Compiling two expressions for each column takes longer than most scans.
    "jit": "off",
}
LARGE_OBJECTS = "pg_largeobject"
_SNAPSHOT = re.compile(r"[0-9A-Fa-f-]{1,64}")
# A SELECT holds 1,664 expressions at most (manual, appendix K), and a column takes two.
_COLUMNS_A_SCAN = 800

_TABLES = f"""
SELECT n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned,
    {INHERITS} AS inherits,
    ARRAY(SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY {COLUMN_ORDER}) AS columns,
    ARRAY(SELECT a.attname::text FROM pg_index i
        CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place) AS key,
    (SELECT bool_and(a.atttypid = ANY ('{{int2,int4,int8}}'::regtype[])) FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
        WHERE i.indrelid = c.oid AND i.indisprimary) AS whole_numbers
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname <> ALL ($1::text[])
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2"""


class Table(NamedTuple):
    """What a scan has to know about a table."""

    schema: str
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    partitioned: bool
    inherits: bool
    whole_number_key: bool

    @property
    def sql(self) -> str:
        """The qualified name as SQL."""
        return quoted(self.schema, self.name)


async def checksums(
    connections: Connections,
    names: NameMap,
    entities: Sequence[str] | None = None,
    *,
    snapshot: str | None = None,
) -> Checksums:
    """Read every row of every table (or of those entities) in one snapshot, which may be an exported one.

    Entities are keyed by logical name (see `naming.logical_names`), fields by theirs.
    A field's text is `sum/NULLs`. The text is the same on every server from 14 to 18.

    Raises:
        Refused: an entity does not exist (`entity-missing`), two have one name (`entity-ambiguous`), or the role
            may not read all rows (`permission-denied`).
    """
    async with (
        connections.session(purpose="checksum", settings=_SETTINGS) as connection,
        reading(connection, snapshot),
    ):
        found = _named(await tables(connection), names)
        large = await connection.fetchval("SELECT count(*) FROM pg_largeobject_metadata")
        if entities is not None:
            if missing := sorted(set(entities) - found.keys() - {LARGE_OBJECTS}):
                raise Refused(
                    "entity-missing",
                    f"database {connections.database!r} has no entity {missing[0]!r}",
                    help="Name entities that inspect_schema lists.",
                    next_tool="inspect_schema",
                )
            found = {name: found[name] for name in entities if name in found}
        sums = {name: await _scan(connection, table, name, names) for name, table in found.items()}
        if large and (entities is None or LARGE_OBJECTS in entities):
            sums[LARGE_OBJECTS] = await _large_objects(connection)
    return Checksums(entities=sums)


@asynccontextmanager
async def reading(connection: Connection, snapshot: str | None = None) -> AsyncGenerator[None]:
    """Open a read-only transaction that sees one moment, the exported snapshot's where one is given."""
    if snapshot is not None and not _SNAPSHOT.fullmatch(snapshot):
        raise ValueError("not the name of an exported snapshot")
    if connection.get_server_version().major >= 17:
        # A role may carry one; a long reading is what this transaction is for.
        await connection.execute("SET transaction_timeout = 0")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if snapshot is not None:
            # The command takes no parameters; it must come before the first query.
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        yield


async def tables(connection: Connection) -> list[Table]:
    """List the tables whose rows are the user's data."""
    rows = await connection.fetch(_TABLES, ["information_schema", LEDGER_NAME])
    return [
        Table(
            row["schema"],
            row["name"],
            tuple(row["columns"]),
            tuple(row["key"]),
            row["partitioned"],
            row["inherits"],
            len(row["key"]) == 1 and bool(row["whole_numbers"]),
        )
        for row in rows
    ]


def _named(found: Sequence[Table], names: NameMap) -> dict[str, Table]:
    by_name: dict[str, Table] = {}
    logical = logical_names([(table.schema, table.name) for table in found], names)
    for table in found:
        name = logical[table.schema, table.name]
        if name in by_name or name == LARGE_OBJECTS:
            raise Refused(
                "entity-ambiguous",
                f"two tables have the logical name {name!r}: {by_name[name].sql if name in by_name else name}"
                f" and {table.sql}",
                help="Give them different names in the name map.",
            )
        by_name[name] = table
    return by_name


async def _scan(connection: Connection, table: Table, entity: str, names: NameMap) -> FieldChecksums:
    fields: dict[str, str] = {}
    records = 0
    for first in range(0, max(len(table.columns), 1), _COLUMNS_A_SCAN):
        columns = table.columns[first : first + _COLUMNS_A_SCAN]
        (row,) = await connection.fetch(_query(table, columns))
        records = row[0]
        for place, column in enumerate(columns):
            total, present = row[1 + 2 * place], row[2 + 2 * place]
            fields[names.logical_field(entity, column, BackendKind.POSTGRES)] = f"{total}/{records - present}"
        if not table.key:
            fields[WHOLE] = f"{row[1 + 2 * len(columns)]}/0"
    return FieldChecksums(records=records, fields=fields)


def _query(table: Table, columns: Sequence[str]) -> str:
    # FROM ONLY leaves the children of inheritance to themselves; a partitioned table has no rows of its own.
    source = table.sql if table.partitioned else f"ONLY {table.sql}"
    if table.whole_number_key:
        seed = f"t.{quoted(table.key[0])}::bigint"
    elif table.key:
        seed = "0"
        for column in table.key:
            seed = _hash(f"t.{quoted(column)}", seed)
        # OFFSET 0 keeps the planner from computing the seed again for each column.
        source = f"(SELECT t.*, {seed} AS {quoted(_seed_name(table))} FROM {source} AS t OFFSET 0)"
        seed = f"t.{quoted(_seed_name(table))}"
    else:
        seed = "0"
    wanted = ["count(*)"]
    for column in columns:
        value = f"t.{quoted(column)}"
        wanted += [f"coalesce(sum({_hash(value, seed)}), 0)", f"count({value})"]
    if not table.key:
        wanted.append(f"coalesce(sum({_hash(_whole(table), seed)}), 0)")
    return f"SELECT {', '.join(wanted)} FROM {source} AS t"


def _whole(table: Table) -> str:
    if not table.inherits:
        return "t.*"
    # The text of such a row is the same, in the one order of its columns that a restored copy has too.
    return f"ROW({', '.join(f't.{quoted(column)}' for column in table.columns)})"


def _seed_name(table: Table) -> str:
    name = "seed"
    while name in table.columns:
        name += "_"
    return name


def _hash(value: str, seed: str) -> str:
    # "C" because hashing under a nondeterministic collation makes equal what is not the same.
    return f'hashtextextended(({value})::text COLLATE "C", {seed})'


async def _large_objects(connection: Connection) -> FieldChecksums:
    (row,) = await connection.fetch(
        "SELECT count(*), sum(hashtextextended(encode(sha256(lo_get(oid)), 'hex'), oid::bigint)) "
        "FROM pg_largeobject_metadata"
    )
    return FieldChecksums(records=row[0], fields={"content": f"{row[1]}/0"})
