"""Who stands in the way of a lock, sampled from another session while ours waits."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.failures import capped
from skill_server.errors import MigrationError

SAMPLE_EVERY_S = 0.05
_HOLDERS = """
SELECT a.pid, coalesce(nullif(a.application_name, ''), 'unnamed') AS application, coalesce(a.state, 'unknown') AS state,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start, a.backend_start))::integer AS age_s,
       coalesce(a.query, '') AS query
FROM unnest(pg_blocking_pids($1)) AS b (pid) JOIN pg_stat_activity AS a ON a.pid = b.pid
ORDER BY a.xact_start NULLS LAST
"""


class Blockers:
    """The last sessions that were seen to hold what we waited for."""

    def __init__(self) -> None:
        self.lines: tuple[str, ...] = ()
        self._attempts = 0

    def sentence(self) -> str:
        """Say who held the locks, as far as they were seen."""
        return f"held by {'; '.join(self.lines)}" if self.lines else "nobody was seen holding them"

    @asynccontextmanager
    async def watching(self, connections: Connections, pid: int) -> AsyncGenerator[None]:
        """Look at intervals who blocks the session `pid`, from the second attempt on."""
        self._attempts += 1
        if self._attempts == 1:
            # Most locks are free at once; a second session for them would be waste.
            yield
            return
        watcher = asyncio.create_task(self._watch(connections, pid))
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _watch(self, connections: Connections, pid: int) -> None:
        try:
            async with connections.session(purpose="watching locks") as connection:
                while True:
                    await self._sample(connection, pid)
                    await asyncio.sleep(SAMPLE_EVERY_S)
        except MigrationError:
            # Naming the blockers is a courtesy; the wait itself reports what went wrong.
            return

    async def _sample(self, connection: Connection, pid: int) -> None:
        rows = await connection.fetch(_HOLDERS, pid)
        if rows:
            self.lines = tuple(
                f"pid {row['pid']} ({capped(row['application'], 40)}, {row['state']} for {row['age_s']} s: "
                f"{capped(row['query'], 120)})"
                for row in rows
            )
