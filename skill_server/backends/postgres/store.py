"""The ledger's rows in PostgreSQL: the table `event` of the schema `database_migration`."""

import json

import asyncpg

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.errors import Conflict, InDoubt, Refused
from skill_server.model.ids import LEDGER_NAME
from skill_server.model.receipt import Event

# Everything but the sequence is text: a MAC covers the very characters, and `timestamptz` and `jsonb` would hand
# back others (offset, order of keys, spelling of numbers).
_TABLE = f"""
CREATE TABLE IF NOT EXISTS {LEDGER_NAME}.event (
    seq bigint PRIMARY KEY,
    kind text NOT NULL,
    at text NOT NULL,
    bound text NOT NULL,
    body text NOT NULL,
    unique_key text UNIQUE,
    mac text NOT NULL
)"""
_READ_ONLY = "25006"
_NO_TABLE = "42P01"


class PostgresStore:
    """Keeps `backends.base.EventStore`; each event is one durable, independent transaction."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def prepare(self) -> None:
        """Create schema and table, or do nothing where they exist; many may call it at once.

        Raises:
            Refused: the role may not create them, or the server is read-only (`ledger-not-writable`).
        """
        async with self._connections.session(purpose="ledger") as connection:
            if await _exists(connection):
                return
            try:
                async with connection.transaction():
                    # IF NOT EXISTS alone loses a race: the second creator fails on the catalog's unique index.
                    await connection.execute(
                        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{LEDGER_NAME}.prepare"
                    )
                    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {LEDGER_NAME}")
                    await connection.execute(_TABLE)
            except asyncpg.PostgresError as error:
                if failures.sqlstate(error) not in {failures.PERMISSION_DENIED, _READ_ONLY}:
                    raise
                raise Refused(
                    "ledger-not-writable",
                    f"the ledger cannot be created in database {self._connections.database!r}: "
                    f"{failures.server_text(error)}",
                    help="Grant the role CREATE on the database, or name a primary server in the URL.",
                ) from error

    async def exists(self) -> bool:
        """Say whether the ledger's table is there."""
        async with self._connections.session(purpose="ledger") as connection:
            return await _exists(connection)

    async def append(self, event: Event) -> None:
        """Store an event; it is on disk when this returns.

        Raises:
            Conflict: `event.seq` or `event.unique` is taken (`ledger-race`).
            InDoubt: the connection was lost before the answer came (`ledger-write-unknown`).
        """
        # A role or database may have asynchronous commit as its default; a receipt must survive a crash.
        durable = {"synchronous_commit": "on"}
        async with self._connections.session(purpose="ledger", settings=durable) as connection:
            try:
                await connection.execute(
                    f"INSERT INTO {LEDGER_NAME}.event (seq, kind, at, bound, body, unique_key, mac) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    event.seq,
                    event.kind.value,
                    event.at.isoformat(),
                    json.dumps(event.bound),
                    # Escaped: PostgreSQL's text holds neither NUL nor half of a surrogate pair.
                    json.dumps(event.body),
                    event.unique,
                    event.mac,
                )
            except asyncpg.UniqueViolationError as error:
                raise Conflict(
                    "ledger-race",
                    f"the ledger of database {self._connections.database!r} already has row {event.seq} or one "
                    f"that excludes this {event.kind.value}",
                    help="Ask migration_status what was recorded, then repeat the call if it still fits.",
                    next_tool="migration_status",
                ) from error
            except failures.DRIVER_ERRORS as error:
                if not failures.is_connection_loss(error):
                    raise
                raise InDoubt(
                    "ledger-write-unknown",
                    f"the connection to database {self._connections.database!r} was lost while row {event.seq} "
                    "of the ledger was being written",
                    help="Ask migration_status before anything else: the row may or may not be there.",
                    next_tool="migration_status",
                ) from error

    async def events(self) -> list[Event]:
        """Return all events in order of `seq`; none where there is no ledger."""
        async with self._connections.session(purpose="ledger") as connection:
            try:
                rows = await connection.fetch(f"SELECT * FROM {LEDGER_NAME}.event ORDER BY seq")
            except asyncpg.PostgresError as error:
                if failures.sqlstate(error) != _NO_TABLE:
                    raise
                return []
        return [
            Event(
                seq=row["seq"],
                kind=row["kind"],
                at=row["at"],
                bound=json.loads(row["bound"]),
                body=json.loads(row["body"]),
                unique=row["unique_key"],
                mac=row["mac"],
            )
            for row in rows
        ]


async def _exists(connection: Connection) -> bool:
    found: bool = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{LEDGER_NAME}.event")
    return found
