"""What the server says of the database at the moment of a backup: settings, roles, extensions, sizes and room."""

import json
from datetime import datetime
from typing import NamedTuple

import asyncpg

from skill_server.backends.postgres.backup.archive import Source
from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.schema.naming import logical_names
from skill_server.backends.postgres.verify import checksum
from skill_server.model.base import JsonObject
from skill_server.model.names import NameMap

# Measured: text that COPY writes is about as large as the heap and packs to a quarter of it. Values that lie outside of
# their row are mostly compressed already, so only their text is packed once more, and large objects likewise.
_OF_HEAP, _OF_LONG_VALUES = 0.25, 0.7

_DATABASE = """
SELECT to_jsonb(d) - 'datacl' AS row, pg_encoding_to_char(encoding) AS encoding,
    current_setting('server_version') AS version,
    EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') AS public_schema,
    EXISTS (SELECT FROM pg_event_trigger) AS event_triggers
FROM pg_database d WHERE datname = current_database()"""
# pg_shdepend says which role owns (o), is granted something (a, i) or stands in a policy (r). The role that
# initdb made is pinned and left out there, so the second half looks for it among the owners.
_ROLES = """
SELECT d.deptype::text AS how, r.rolname::text AS role
FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND d.refclassid = 'pg_authid'::regclass
UNION
SELECT 'o', r.rolname::text FROM pg_roles r WHERE r.oid = 10 AND EXISTS (
    SELECT FROM (
        SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema FROM pg_class WHERE relowner = 10
        UNION ALL
        SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc WHERE proowner = 10
    ) AS o JOIN pg_namespace n ON n.oid = o.schema
    WHERE n.nspname !~ '^pg_' AND n.nspname <> ALL ('{information_schema,database_migration}'::text[])
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid AND e.deptype = 'e'))
ORDER BY 1, 2"""
_EXTENSIONS = "SELECT extname || ' ' || extversion FROM pg_extension ORDER BY extname"
# Taken in one statement: its time is before the snapshot, so what is newer than it may, and what is older must, be in.
_MOMENT = """
SELECT pg_export_snapshot() AS snapshot, statement_timestamp() AS moment, oid::text AS database_oid,
    pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, pg_snapshot_xmax(pg_current_snapshot())::text AS xmax
FROM pg_database WHERE datname = current_database()"""
# The function lists nothing for a table that is neither partitioned nor a partition.
_SIZES = """
SELECT name, coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(name::regclass)),
    pg_total_relation_size(name::regclass))::bigint AS bytes
FROM unnest($1::text[]) AS t (name)"""
_STORED = """
SELECT coalesce(sum(pg_relation_size(c.oid)), 0)::bigint AS heap,
    (coalesce(sum(pg_table_size(nullif(c.reltoastrelid, 0))), 0)
        + pg_table_size('pg_largeobject'))::bigint AS long_values
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""


class Moment(NamedTuple):
    """An exported snapshot, its time by the server's clock, and what tells later what was written after it."""

    snapshot: str
    at: datetime
    since: JsonObject


async def moment(connection: Connection, system: str | None) -> Moment:
    """Take and export the snapshot of the transaction that is open here."""
    (row,) = await connection.fetch(_MOMENT)
    since: JsonObject = {name: row[name] for name in ("xmin", "xmax", "database_oid")}
    return Moment(row["snapshot"], row["moment"], since | {"system": system})


async def system_identifier(connection: Connection) -> str | None:
    """Return what initdb called the cluster, or None where that may not be asked; never inside a transaction."""
    try:
        found: str = await connection.fetchval("SELECT system_identifier::text FROM pg_control_system()")
    except asyncpg.InsufficientPrivilegeError:
        return None
    return found


async def sizes(connection: Connection, tables: list[checksum.Table], names: NameMap) -> dict[str, int]:
    """Return the bytes of each entity on the server, with its indexes."""
    logical = logical_names([(table.schema, table.name) for table in tables], names)
    rows = await connection.fetch(_SIZES, [table.sql for table in tables])
    return {logical[table.schema, table.name]: row["bytes"] for table, row in zip(tables, rows, strict=True)}


async def stored(connection: Connection) -> tuple[int, int]:
    """Return how many bytes there are to read, and how many the packed backup may have."""
    (row,) = await connection.fetch(_STORED)
    heap, long_values = row["heap"], row["long_values"]
    return heap + long_values, int(heap * _OF_HEAP + long_values * _OF_LONG_VALUES)


async def describe(connection: Connection) -> Source:
    """Return what loading a backup of this database has to know of it."""
    (row,) = await connection.fetch(_DATABASE)
    roles = await connection.fetch(_ROLES)
    return Source(
        server_version=row["version"],
        encoding=row["encoding"],
        database=json.loads(row["row"]),
        public_schema=row["public_schema"],
        event_triggers=row["event_triggers"],
        extensions=tuple(extension[0] for extension in await connection.fetch(_EXTENSIONS)),
        owners=tuple(role["role"] for role in roles if role["how"] == "o"),
        grantees=tuple(role["role"] for role in roles if role["how"] in {"a", "i"}),
        bound=tuple(role["role"] for role in roles if role["how"] == "r"),
    )
