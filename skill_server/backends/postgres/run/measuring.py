"""Measuring steps from inside their session: one query before the first and one after each."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from skill_server.backends.postgres.connection import Connection
from skill_server.model.ids import KEPT_NAME, LEDGER_NAME
from skill_server.model.measure import LockTaken, StepMeasure

_WAL = "(pg_current_wal_insert_lsn() - '0/0')::bigint"
_OURS = f"n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '{LEDGER_NAME}', '{KEPT_NAME}')"
_FIRST = f"""
SELECT {_WAL} AS wal, pg_current_xact_id_if_assigned()::text AS transaction,
       coalesce(jsonb_object_agg(c.oid, pg_relation_filenode(c.oid)::bigint), '{{}}') AS files
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v') AND c.relpersistence <> 't' AND {_OURS}
"""
# Locks up to ROW EXCLUSIVE are those of every reader and writer and stop neither. A relation's counters are read
# through its functions, because the view over them visits every relation of the database.
_SO_FAR = f"""
SELECT s.wal, c.oid::bigint AS oid, pg_relation_filenode(c.oid)::bigint AS file,
       CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
       l.modes, pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
       + pg_stat_get_xact_tuples_deleted(c.oid) AS written
FROM (SELECT {_WAL} AS wal) AS s LEFT JOIN (
    SELECT relation, coalesce(array_agg(DISTINCT mode ORDER BY mode) FILTER (
        WHERE mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')), '{{}}') AS modes
    FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    GROUP BY relation
) AS l
JOIN pg_class AS c ON c.oid = l.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
    AND c.relkind IN ('r', 'p', 'm', 'v') AND c.relpersistence <> 't' AND {_OURS}
ON true
"""


@dataclass
class Measuring:
    """The counters of a session as the step before left them."""

    connection: Connection
    transaction: str | None
    files: Mapping[int, int | None]
    wal: int
    at: float
    written: int = 0
    locks: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    rewritten: set[int] = field(default_factory=set[int])

    async def step(self) -> StepMeasure:
        """Return what was done since the last call.

        Relations that the transaction itself made are left out of the locks: nobody else can want them yet. The WAL
        is that of the whole server, because it keeps no count for each session.
        """
        rows = await self.connection.fetch(_SO_FAR)
        now = time.monotonic()
        wal = int(rows[0]["wal"])
        written = sum(int(row["written"] or 0) for row in rows)
        known = [row for row in rows if row["oid"] in self.files]
        locks = {
            (row["oid"], mode): LockTaken(entity=row["name"], mode=mode)
            for row in known
            for mode in row["modes"]
        }
        rewritten = {row["oid"]: row["name"] for row in known if row["file"] != self.files[row["oid"]]}
        measure = StepMeasure(
            seconds=round(now - self.at, 6),
            records=written - self.written,
            wal_bytes=max(0, wal - self.wal),
            locks=tuple(lock for key, lock in locks.items() if key not in self.locks),
            rewritten=tuple(name for oid, name in rewritten.items() if oid not in self.rewritten),
            transaction=self.transaction,
        )
        self.at, self.wal, self.written = now, wal, written
        self.locks |= set(locks)
        self.rewritten |= set(rewritten)
        return measure


async def begin(connection: Connection) -> Measuring:
    """Return a measuring of this session that begins now."""
    row = await connection.fetchrow(_FIRST)
    assert row is not None  # noqa: S101 -- an aggregate without GROUP BY has one row
    files = {int(oid): file for oid, file in json.loads(row["files"]).items()}
    return Measuring(connection, row["transaction"], files, int(row["wal"]), time.monotonic())
