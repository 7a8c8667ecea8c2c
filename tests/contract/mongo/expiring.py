"""Collections whose documents expire, and a server that has deleted what is past its time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.errors import OperationFailure

from skill_server.backends.mongo.connection import Connections

WITHIN_S = 70
LIVES_S = 3600
RECORDS = 5


async def make_sessions(connections: Connections) -> None:
    """Make a collection of documents that expire, none of them soon: the server looks at a moment of its own."""
    at = datetime.now(UTC)
    await connections.db()["sessions"].insert_many([{"_id": key, "at": at} for key in range(RECORDS)])
    await connections.db()["sessions"].create_index("at", name="by at", expireAfterSeconds=LIVES_S)


async def age(connections: Connections, collection: str = "sessions") -> None:
    """Let every document be past its time."""
    at = datetime.now(UTC) - timedelta(days=1)
    await connections.db()[collection].update_many({}, {"$set": {"at": at}})


async def swept(connections: Connections) -> None:
    """Return when the server has deleted what was past its time when this was called, in all its databases.

    A document of this function's own tells: it is past its time too.
    """
    told = connections.db()["database_migration.swept"]
    admin = connections.client().admin
    await told.create_index("at", expireAfterSeconds=0)
    for _ in range(2):
        # Twice, because a sweep that is under way may have passed the others before it came to this one.
        await told.insert_one({"at": datetime.now(UTC) - timedelta(days=1)})
        try:
            await admin.command("secantusAdmin.pruneTtl")
        except OperationFailure:
            await admin.command({"setParameter": 1, "ttlMonitorSleepSecs": 1})
        async with asyncio.timeout(WITHIN_S):
            while await told.find_one() is not None:
                pass
    await told.drop()


async def counted(connections: Connections, collection: str = "sessions") -> int:
    """Count documents."""
    return await connections.db()[collection].count_documents({})


async def time_of(connections: Connections, collection: str = "sessions") -> Any:
    """Return the seconds of the index `by at`, as the server itself says them."""
    found = await connections.db()[collection].index_information()
    return found["by at"]["expireAfterSeconds"]
