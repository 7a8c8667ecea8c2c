"""Put a restored copy in the place of the live database: two renames in one transaction, under the live one's ledger.

The renames hold the lock that every new connection needs, so nobody slips in; until they commit nothing has happened,
and a crash at any point leaves the live database as it was. The old content stays under another name.
Carried over: owner, privileges, settings, comment and connection limit. Not carried over: tablespace, security labels.
"""

import asyncio
from contextlib import suppress

import asyncpg

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.backup import child, client_tools
from skill_server.backends.postgres.backup.restoring import restoring, silence
from skill_server.backends.postgres.backup.surroundings import Surroundings
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.restore import aside, replaceable
from skill_server.errors import Conflict, Failed, InDoubt, MigrationError
from skill_server.model.ids import LEDGER_NAME

_LOCK_TIMEOUT = "10s"
_POLL_S = 0.02
_CLOSE_S = 2.0
# The keeper only holds a lock until the switch.
_KEEPER = {"idle_in_transaction_session_timeout": "0", "lock_timeout": _LOCK_TIMEOUT}


async def replace_with(connections: Connections, copy: str) -> str:
    """Give the name of this database to the scratch database `copy`; return the name the old content has now.

    Every session on the live database is ended, among them one that holds the migration lock.

    Raises:
        Refused: what `replaceable.require` says; nothing happened.
        Conflict: sessions would not go (`database-in-use`); nothing happened.
        Failed: something broke before the renames were committed; nothing happened.
        InDoubt: the answer to the commit was lost, and the server cannot say what became of it.
    """
    live, old = connections.database, aside.new_name(connections.database)
    async with (
        connections.maintenance(purpose="replace") as connection,
        connections.maintenance(purpose="replace") as second,
        connections.session(purpose="replace", settings=_KEEPER) as keeper,
    ):
        await replaceable.require(connection, live, copy)
        # Left open on purpose: the lock lasts until the session is closed in the very moment of the switch.
        await keeper.execute("BEGIN")
        await _carry_ledger(connections, keeper, copy)
        switch = _Switch(connection, second, keeper, live, copy, old)
        try:
            await switch.run()
        except failures.DRIVER_ERRORS as error:
            if not await switch.happened(connections, error):
                raise
    return old


async def _carry_ledger(connections: Connections, keeper: Connection, copy: str) -> None:
    """Copy the whole ledger schema, whatever is in it, over one that an earlier try left; lock the original."""
    rows = await keeper.fetch(
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 ORDER BY 1", LEDGER_NAME
    )
    target = connections.at(copy)
    async with target.session(purpose="replace") as connection:
        await silence(connection)
        await connection.execute(f"DROP SCHEMA IF EXISTS {LEDGER_NAME} CASCADE")
    if not rows:
        return
    names = ", ".join(quoted(LEDGER_NAME, row["name"]) for row in rows)
    # Readers pass, a receipt written from now on would be lost.
    await keeper.execute(f"LOCK TABLE {names} IN SHARE MODE")
    tools = await client_tools.find(keeper.get_server_version().major)
    arguments = ("--format=custom", "--compress=0", "--no-password", f"--schema={LEDGER_NAME}")
    async with (
        restoring(target, tools, keeper.get_server_version().major) as sink,
        child.running(tools.dump, arguments, connections.environment(), fed=False) as source,
    ):
        while (piece := await source.read()) and await sink.feed(piece):
            pass
        if code := await source.exit_code():
            raise Failed(
                "ledger-not-carried",
                f"pg_dump ended with code {code} while it read the ledger: {source.first_error}",
                help="Mend what the message names, then restore again.",
            )


class _Switch:
    """The one transaction in which the copy takes the live database's name."""

    def __init__(
        self, connection: Connection, second: Connection, keeper: Connection, live: str, copy: str, old: str
    ) -> None:
        self._connection = connection
        self._second = second
        self._keeper = keeper
        self._live, self._copy, self._old = live, copy, old
        self._transaction: str | None = None

    async def run(self) -> None:
        """Rename both, carry the database's own settings over, commit."""
        connection = self._connection
        async with connection.transaction():
            self._transaction = await connection.fetchval("SELECT pg_current_xact_id()::text")
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            surroundings = await Surroundings.read(connection, self._live)
            await self._end_sessions(self._copy, keep=0)
            renaming = asyncio.create_task(
                connection.execute(f"ALTER DATABASE {quoted(self._live)} RENAME TO {quoted(self._old)}")
            )
            try:
                await self._empty(renaming)
                await renaming
            except (asyncpg.ObjectInUseError, asyncpg.LockNotAvailableError) as error:
                raise Conflict(
                    "database-in-use",
                    f"sessions on database {self._live!r} did not end in time",
                    help="Stop the application, then restore again.",
                ) from error
            finally:
                renaming.cancel()
                await asyncio.wait([renaming])
            await connection.execute(f"ALTER DATABASE {quoted(self._copy)} RENAME TO {quoted(self._live)}")
            await surroundings.give(connection, self._live)

    async def happened(self, connections: Connections, error: BaseException) -> bool:
        """Say whether the transaction was committed although its answer was lost.

        Raises:
            InDoubt: the server does not know yet, or cannot be asked.
        """
        if self._transaction is None or not failures.is_connection_loss(error):
            return False
        state = None
        with suppress(MigrationError):
            async with connections.maintenance(purpose="replace") as connection:
                state = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", self._transaction)
        if state in {"committed", "aborted"}:
            return state == "committed"
        raise InDoubt(
            "replacement-unknown",
            f"the connection was lost while {self._copy!r} was taking the place of {self._live!r}",
            help=f"Look whether the server has a database {self._old!r}: if so, it happened.",
            next_tool="migration_status",
        ) from error

    async def _empty(self, renaming: asyncio.Task[str]) -> None:
        # RENAME holds the lock that a new connection needs and waits for sessions to go, so none is added meanwhile.
        while not renaming.done() and not await self._locked():
            await asyncio.wait({renaming}, timeout=_POLL_S)
        keep = self._keeper.get_server_pid()
        while not renaming.done() and await self._end_sessions(self._live, keep=keep):
            await asyncio.wait({renaming}, timeout=_POLL_S)
        if not renaming.done():
            # Last of all: whoever waited for the ledger is gone and can add nothing.
            await self._keeper.close(timeout=_CLOSE_S)

    async def _locked(self) -> bool:
        held: bool = await self._second.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND pid = $1 "
            "AND locktype = 'object' AND classid = 'pg_database'::regclass)",
            self._connection.get_server_pid(),
        )
        return held

    async def _end_sessions(self, database: str, *, keep: int) -> int:
        ended: int = await self._second.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = $1 AND pid <> $2 AND backend_type <> 'autovacuum worker'",
            database,
            keep,
        )
        return ended
