"""What was written to each table since a dump, told by the versions of its rows.

PostgreSQL stamps a row with the transaction that wrote it (`xmin`; manual, section 5.6). Whatever was written by a
transaction that had not ended when the dump's snapshot was taken is newer than the dump. `age` compares 32-bit numbers
that wrap around, so it is asked only while the server has come less than half of the way; frozen rows of an age that
wrapped since can only make the number larger. What was deleted shows in the counts alone.
"""

from typing import NamedTuple

import asyncpg

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.schema.naming import logical_names
from skill_server.backends.postgres.verify import checksum
from skill_server.backends.replacing import Written
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult

LONGEST_SCAN_S = 30
# Half of the 32-bit circle of transaction ids (manual, section 25.1.5).
_COMPARABLE = 2**31
_FIRST_NORMAL_XID = 3
_VERSIONS = "by row version (xmin)"

_NOW = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS reached,
    (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS database_oid"""


class _Since(NamedTuple):
    """The first transaction that counts as newer, as 32 bits, and what the number it leads to is worth."""

    xid: int
    how: str


async def written_since(connections: Connections, names: NameMap, dump: DumpResult) -> tuple[Written, ...]:
    """Say of each table what was written since a dump; see `backends.base.Backend.written_since`.

    Each table is read within half a minute; a larger one counts as unknown.
    """
    then = {entity: sums.records for entity, sums in dump.checksums.entities.items()}
    found: list[Written] = []
    async with connections.session(
        purpose="written since", settings={"statement_timeout": f"{LONGEST_SCAN_S}s", "jit": "off"}
    ) as connection:
        since, reason = await _since(connection, dump)
        tables = await checksum.tables(connection)
        logical = logical_names([(table.schema, table.name) for table in tables], names)
        present = {logical[table.schema, table.name]: table for table in tables}
        large = await _large_objects(connection, then.pop(checksum.LARGE_OBJECTS, 0))
        found += [large] if large.records_then or large.records_now else []
        for entity in sorted(then.keys() | present.keys()):
            if entity not in present:
                found.append(_gone(entity, then[entity]))
            else:
                found.append(
                    await _counted(connection, present[entity], entity, then.get(entity), since, reason)
                )
    return tuple(found)


async def _since(connection: Connection, dump: DumpResult) -> tuple[_Since | None, str]:
    """Return from which transaction on a row is newer than the dump, or None and why that is not known."""
    if "xmax" not in dump.since:
        return None, "the backup does not hold the moment in transactions"
    now = await connection.fetchrow(_NOW)
    assert now is not None  # noqa: S101 -- a SELECT without FROM has one row
    if (dump.since.get("system"), str(dump.since.get("database_oid"))) != (
        await _system(connection),
        now["database_oid"],
    ):
        return (
            None,
            "the database is another one than the backup was taken of, so row versions do not compare",
        )
    first = ended = int(dump.since["xmax"])
    if "xmin" in dump.since:
        first = int(dump.since["xmin"])
    if not 0 <= now["reached"] - first < _COMPARABLE:
        return None, "too many transactions ran since the backup to compare row versions"
    # Transactions that ran while the dump began are counted as newer, because some of them ended after it.
    how = _VERSIONS if first == ended else f"at most, {_VERSIONS}"
    return _Since(max(first % 2**32, _FIRST_NORMAL_XID), how), how


async def _system(connection: Connection) -> str | None:
    try:
        found: str = await connection.fetchval("SELECT system_identifier::text FROM pg_control_system()")
    except asyncpg.InsufficientPrivilegeError:
        return None
    return found


async def _counted(
    connection: Connection,
    table: checksum.Table,
    entity: str,
    then: int | None,
    since: _Since | None,
    reason: str,
) -> Written:
    newer = (
        "NULL::bigint" if since is None else f"count(*) FILTER (WHERE age(t.xmin) <= age('{since.xid}'::xid))"
    )
    # FROM ONLY leaves the children of inheritance to themselves; a partitioned table has no rows of its own.
    source = table.sql if table.partitioned else f"ONLY {table.sql}"
    try:
        async with checksum.reading(connection):
            row = await connection.fetchrow(
                f"SELECT count(*) AS records, {newer} AS newer FROM {source} AS t"
            )
    except asyncpg.QueryCanceledError:
        return Written(
            entity=entity,
            records_then=then or 0,
            records_now=None,
            changed=None,
            how=f"not read to its end in {LONGEST_SCAN_S} s",
        )
    assert row is not None  # noqa: S101 -- an aggregate has one row
    if then is None:
        reason, changed = "it is not in the backup", row["records"]
    else:
        changed = row["newer"]
    return Written(
        entity=entity, records_then=then or 0, records_now=row["records"], changed=changed, how=reason
    )


def _gone(entity: str, then: int) -> Written:
    return Written(entity=entity, records_then=then, records_now=0, changed=0, how="it is there no longer")


async def _large_objects(connection: Connection, then: int) -> Written:
    now = await connection.fetchval("SELECT count(*) FROM pg_largeobject_metadata")
    return Written(
        entity=checksum.LARGE_OBJECTS,
        records_then=then,
        records_now=now,
        changed=None,
        how="large objects are only counted",
    )
