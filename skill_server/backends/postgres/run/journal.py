"""The journal: which steps of a plan this database has seen, in the table `journal` of the schema `database_migration`.

The mark of a transactional step is written by the step's own transaction, so that a crash leaves both or neither.
"""

import json

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.model.base import JsonObject
from skill_server.model.ids import LEDGER_NAME
from skill_server.model.receipt import Mark

RUNNING, DONE = "running", "done"
_TABLE = f"{LEDGER_NAME}.journal"
_CREATE = f"""
CREATE TABLE IF NOT EXISTS {_TABLE} (
    plan_id text NOT NULL,
    step text NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    detail jsonb NOT NULL,
    PRIMARY KEY (plan_id, step)
)"""


class PostgresJournal:
    """Keeps `backends.base.Journal`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def marks(self, plan_id: str) -> dict[str, Mark]:
        """Return the marks of a plan by step id; none where there is no journal."""
        async with self._connections.session(purpose="reading the journal") as connection:
            return await read(connection, plan_id) if await _exists(connection) else {}

    async def put(self, plan_id: str, step: str, state: str, detail: JsonObject | None = None) -> None:
        """Write the mark of a step that is not run here; it is on disk when this returns."""
        # A role or database may have asynchronous commit as its default; a mark must survive a crash.
        durable = {"synchronous_commit": "on"}
        async with self._connections.session(purpose="writing the journal", settings=durable) as connection:
            await prepare(connection)
            await put(connection, plan_id, step, state, detail)

    async def forget(self, plan_id: str) -> None:
        """Delete the marks of a plan."""
        async with self._connections.session(purpose="clearing the journal") as connection:
            if await _exists(connection):
                await connection.execute(f"DELETE FROM {_TABLE} WHERE plan_id = $1", plan_id)


async def prepare(connection: Connection) -> None:
    """Create the journal, or do nothing where it exists; many may call it at once."""
    if await _exists(connection):
        return
    async with connection.transaction():
        # IF NOT EXISTS alone loses a race: the second creator fails on the catalog's unique index.
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{LEDGER_NAME}.prepare"
        )
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LEDGER_NAME}")
        await connection.execute(_CREATE)


async def read(connection: Connection, plan_id: str) -> dict[str, Mark]:
    """Return the marks of a plan by step id, as the session's transaction sees them."""
    rows = await connection.fetch(f"SELECT step, state, at, detail FROM {_TABLE} WHERE plan_id = $1", plan_id)
    return {
        row["step"]: Mark(
            step=row["step"], state=row["state"], at=row["at"], detail=json.loads(row["detail"])
        )
        for row in rows
    }


async def put(
    connection: Connection, plan_id: str, step: str, state: str, detail: JsonObject | None = None
) -> None:
    """Write the mark of a step in the session's transaction."""
    await connection.execute(
        f"INSERT INTO {_TABLE} (plan_id, step, state, detail) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (plan_id, step) DO UPDATE SET state = excluded.state, at = excluded.at, detail = excluded.detail",
        plan_id,
        step,
        state,
        json.dumps(detail or {}),
    )


async def _exists(connection: Connection) -> bool:
    found: bool = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", _TABLE)
    return found
