"""Who is writing to this database at this moment; a pool of idle connections is nobody."""

from __future__ import annotations

import asyncio
from typing import Any

from skill_server.backends.mongo.connection import APPLICATION, Connections
from skill_server.backends.mongo.failures import PERMISSION_CODES, capped, wrapped
from skill_server.backends.mongo.identity import COMMAND_NOT_FOUND

SAMPLES = 2
BETWEEN_SAMPLES_S = 0.25
# Of what currentOp shows as running, these cannot write; `getMore` and `aggregate` may belong to a $merge, which is
# rare and seen again as its writes.
_READS = frozenset(
    {
        "find",
        "aggregate",
        "getMore",
        "count",
        "distinct",
        "explain",
        "listCollections",
        "listIndexes",
        "hello",
        "ping",
    }
)
_READING = frozenset({"query", "getmore"})


async def at_work(connections: Connections) -> tuple[str, ...]:
    """Name the other clients that write to this database, or hold a transaction open, in one of two looks.

    A server that does not tell, or a user without the privilege `inprog`, names nobody: what is disturbed then stops
    the replacement instead.
    """
    found: set[str] = set()
    for sample in range(SAMPLES):
        if sample:
            await asyncio.sleep(BETWEEN_SAMPLES_S)
        found |= {
            client_of(entry)
            for entry in await _operations(connections)
            if is_at_work(entry, connections.database)
        }
    return tuple(sorted(found))


async def _operations(connections: Connections) -> list[dict[str, Any]]:
    from pymongo.errors import OperationFailure

    stages = [{"$currentOp": {"allUsers": True, "idleConnections": False, "idleSessions": True}}]
    with wrapped("asking who is at work"):
        try:
            return await connections.client().admin.aggregate(stages).to_list(None)
        except OperationFailure as error:
            if error.code in {*PERMISSION_CODES, COMMAND_NOT_FOUND}:
                return []
            raise


def is_at_work(entry: dict[str, Any], database: str) -> bool:
    """Say whether an entry of `currentOp` is another client's write to a database, or its open transaction."""
    metadata: dict[str, Any] = entry.get("clientMetadata") or {}
    application = entry.get("appName") or metadata.get("application", {}).get("name")
    if application == APPLICATION:
        return False
    namespace = str(entry.get("ns") or "")
    here = namespace.partition(".")[0] == database
    if "transaction" in entry and (here or not namespace):
        # A session that waits inside a transaction names no collection; its writes may be of this database.
        return True
    command: dict[str, Any] = entry.get("command") or {}
    reads = entry.get("op") in _READING or next(iter(command), "") in _READS
    return bool(entry.get("active")) and here and not reads and bool(entry.get("client"))


def client_of(entry: dict[str, Any]) -> str:
    """Name the client of an entry by application and address."""
    metadata: dict[str, Any] = entry.get("clientMetadata") or {}
    name = (
        entry.get("appName")
        or metadata.get("application", {}).get("name")
        or metadata.get("driver", {}).get("name")
    )
    return f"{capped(name or 'unnamed')} at {capped(entry.get('client', 'unknown address'))}"
