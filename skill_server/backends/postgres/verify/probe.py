"""Asking a probe's question: how many rows offend, and the keys of the first."""

from skill_server.backends.base import ProbeResult
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.failures import capped
from skill_server.model.plan import Probe

FIRST_KEYS = 10
LONGEST_KEY = 80


async def ask(connections: Connections, probe: Probe) -> ProbeResult:
    """Count the offenders in a read-only transaction and name the first of them."""
    question = probe.statement.text
    async with (
        connections.session(purpose=f"probing {probe.id}"[:40]) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        count: int = await connection.fetchval(f"SELECT count(*) FROM ({question}) AS offenders (key)")
        if not count:
            return ProbeResult(count=0)
        rows = await connection.fetch(
            f"SELECT coalesce(key, 'no key') AS key FROM ({question}) AS offenders (key) "
            f'ORDER BY key COLLATE "C" LIMIT {FIRST_KEYS}'
        )
    return ProbeResult(count=count, keys=tuple(capped(row["key"], LONGEST_KEY) for row in rows))
