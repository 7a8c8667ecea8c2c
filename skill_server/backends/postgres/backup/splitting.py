"""Which tables leave the archive of pg_dump to be copied in ranges of their blocks, several at a time.

Only what has blocks of its own in the heap: leaves of partitions and children of inheritance each for themselves. What
an extension owns stays with pg_dump, which knows which of its rows belong into a backup. So does what lies below a
table that is partitioned by the hash of an enum: the hash is that of the label's object id, which is another one in a
copy, and only pg_dump restores such rows through the root.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.schema.catalog import not_owned
from skill_server.model.ids import LEDGER_NAME

LARGE_BYTES = 16 << 20
# Long enough that packing loses nothing at its beginning, and short enough that no copier is alone at the end.
_PIECE_BYTES = 32 << 20
_MOST_PIECES = 64
# Each table that leaves is an argument of pg_dump, and a command line has an end.
_MOST_TABLES = 1000

_LARGE = f"""
SELECT n.nspname::text AS schema, c.relname::text AS name, pg_table_size(c.oid) AS bytes,
    pg_relation_size(c.oid) / current_setting('block_size')::int AS blocks,
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
WHERE c.relkind = 'r' AND m.amname = 'heap' AND c.relpersistence <> 't' AND pg_table_size(c.oid) >= $1
    AND n.nspname !~ '^pg_' AND n.nspname <> ALL ($2::text[]) AND {not_owned("pg_class", "c.oid")}
    AND NOT EXISTS (SELECT FROM pg_partition_ancestors(c.oid) AS a (relid)
        JOIN pg_partitioned_table AS p ON p.partrelid = a.relid
        JOIN pg_opclass AS o ON o.oid = ANY (p.partclass) AND o.opcname = 'enum_ops'
            AND o.opcnamespace = 'pg_catalog'::regnamespace
        JOIN pg_am AS h ON h.oid = o.opcmethod AND h.amname = 'hash')
ORDER BY 3 DESC LIMIT {_MOST_TABLES}"""
# Restored in sections, privileges come before rows; an owner who took his own away could not fill the table then.
_LOCKED_OUT = """
SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> ALL ($1::text[])
        AND NOT (has_table_privilege(c.relowner, c.oid, 'INSERT')
            AND has_schema_privilege(c.relowner, n.oid, 'USAGE')))"""


class Range(NamedTuple):
    """The rows of a table in its blocks from `first` to before `end`, or to the last."""

    schema: str
    table: str
    columns: tuple[str, ...]
    first: int
    end: int | None

    @property
    def query(self) -> str:
        """What reads these rows."""
        until = "" if self.end is None else f" AND ctid < '({self.end},0)'"
        columns = ", ".join(quoted(column) for column in self.columns)
        return f"SELECT {columns} FROM ONLY {quoted(self.schema, self.table)} WHERE ctid >= '({self.first},0)'{until}"


async def ranges(connection: Connection, encoding: str, large_bytes: int, copiers: int) -> list[Range]:
    """Divide every table of that size into ranges; call it under the locks and snapshot of the backup."""
    schemas = ["information_schema", LEDGER_NAME]
    if await connection.fetchval(_LOCKED_OUT, schemas):
        return []
    found: list[Range] = []
    for row in await connection.fetch(_LARGE, large_bytes, schemas):
        # pg_dump reads its arguments in the encoding of the database.
        readable = encoding == "UTF8" or f"{row['schema']}{row['name']}".isascii()
        if row["columns"] and readable:
            found += _divided(
                row["schema"], row["name"], tuple(row["columns"]), row["bytes"], row["blocks"], copiers
            )
    return found


def _divided(
    schema: str, table: str, columns: tuple[str, ...], size: int, blocks: int, copiers: int
) -> list[Range]:
    wanted = copiers * math.ceil(size / (_PIECE_BYTES * copiers))
    pieces = max(1, min(wanted, _MOST_PIECES, blocks))
    borders = [blocks * piece // pieces for piece in range(pieces)]
    return [
        Range(schema, table, columns, first, end)
        for first, end in zip(borders, [*borders[1:], None], strict=True)
    ]


def left_out(found: Sequence[Range]) -> list[str]:
    """Return pg_dump's arguments that leave the rows of these tables out."""
    # In quotes a pattern has no wildcards, dots or folding of case (manual, psql, patterns).
    return [
        f"--exclude-table-data={name}"
        for name in dict.fromkeys(quoted(one.schema, one.table) for one in found)
    ]
