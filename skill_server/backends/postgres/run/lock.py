"""The one migration lock of a database: an advisory lock of a session of its own, released with the session.

The session lives outside the database, so that a restore may close every session inside it and keep the lock.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.connection import APPLICATION_NAME, Connection, Connections, end
from skill_server.errors import Conflict, InDoubt
from skill_server.model.ids import LEDGER_NAME

ACQUIRE_WITHIN_S = 5.0
POLL_EVERY_S = 0.1
# Advisory locks are apart for each database of a server (manual, section 13.3.5), and all of these lie in one, so the
# key holds the name of the database that is locked; a restore puts its copy under the same name.
_KEY = "hashtextextended($1, 0)"
_HOLDER = f"""
SELECT a.pid, coalesce(a.application_name, '') AS application,
       extract(epoch FROM clock_timestamp() - a.backend_start)::integer AS age_s
FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database()
JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND (l.classid::bigint << 32 | l.objid::bigint) = {_KEY}
"""


@asynccontextmanager
async def lock(connections: Connections, owner: Mapping[str, str]) -> AsyncGenerator[None]:
    """Hold the lock while the block runs; `owner` is shown to whoever finds it held.

    Raises:
        Conflict: `lock-held`, with the holder.
        InDoubt: `lock-lost`, at the end of a block that succeeded while the server had dropped the lock's session.
    """
    connection = await connections.open_outside(purpose="lock")
    try:
        with failures.wrapped("taking the migration lock"):
            await _acquire(connection, connections.database, owner)
        yield
        if connection.is_closed():
            raise InDoubt(
                "lock-lost",
                f"the session that held the migration lock of {connections.database!r} ended during the work",
                help="Check that no other migration ran at the same time.",
                next_tool="migration_status",
            )
    finally:
        # The lock goes with its session.
        await end(connection)


async def _acquire(connection: Connection, database: str, owner: Mapping[str, str]) -> None:
    key = f"{LEDGER_NAME}.lock:{database}"
    shown = " ".join(f"{name}={value}" for name, value in sorted(owner.items()))
    await connection.execute(
        "SELECT set_config('application_name', $1, false)", f"{APPLICATION_NAME} lock {shown}"[:63]
    )
    # Waiting inside the server would hold a snapshot, and a concurrent index build by the holder would wait for it.
    for _ in range(round(ACQUIRE_WITHIN_S / POLL_EVERY_S)):
        if await connection.fetchval(f"SELECT pg_try_advisory_lock({_KEY})", key):
            return
        await asyncio.sleep(POLL_EVERY_S)
    holder = await connection.fetchrow(_HOLDER, key)
    who = "a session that has ended since"
    if holder is not None:
        who = f"{failures.capped(holder['application'], 80)} (pid {holder['pid']}, for {holder['age_s']} s)"
    raise Conflict(
        "lock-held",
        f"another migration holds the lock of this PostgreSQL database: {who}",
        help="Wait until it has ended.",
        next_tool="migration_status",
    )
