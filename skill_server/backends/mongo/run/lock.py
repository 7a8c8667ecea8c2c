"""The one migration lock of a database: a lease in server time, kept alive by a heartbeat.

A document rather than a session, because MongoDB has no lock that a session holds. The epoch grows with every owner and
is never reset, so a holder that slept past its lease can be told from its successor.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import capped, wrapped
from skill_server.errors import Conflict, InDoubt
from skill_server.model.ids import LEDGER_NAME

COLLECTION = f"{LEDGER_NAME}.lock"
LOCK = "migration"
LEASE_S = 30.0


@asynccontextmanager
async def hold(
    connections: Connections, owner: Mapping[str, str], *, lease_s: float = LEASE_S
) -> AsyncGenerator[None]:
    """Hold the lock while the block runs; the block is cancelled when the lease is lost.

    Raises:
        Conflict: `lock-held`, with the holder and how long the lease still lasts.
        InDoubt: `lease-lost`; another may have begun to work, or the server is out of reach.
    """
    lease = _Lease(connections, owner, lease_s)
    await lease.take()
    running_out = asyncio.timeout(lease_s)
    try:
        async with running_out:
            beating = asyncio.create_task(lease.beat(running_out))
            try:
                yield
            finally:
                beating.cancel()
                with suppress(asyncio.CancelledError):
                    await beating
    except TimeoutError as expired:
        if not running_out.expired():
            raise
        raise InDoubt(
            "lease-lost",
            f"the migration lock of {connections.database} was lost while work was running",
            help="Ask migration_status what was applied before running anything again.",
            next_tool="migration_status",
        ) from expired
    finally:
        await lease.give_back()


class _Lease:
    def __init__(self, connections: Connections, owner: Mapping[str, str], lease_s: float) -> None:
        self._connections = connections
        self._owner = dict(owner)
        self._lease_s = lease_s
        self._token = secrets.token_hex(16)

    def _locks(self) -> Any:
        return self._connections.db()[COLLECTION]

    def _until(self) -> dict[str, Any]:
        return {"$add": ["$$NOW", int(self._lease_s * 1000)]}

    async def take(self) -> None:
        from pymongo.errors import DuplicateKeyError

        # As numbers, because SecantusDB 0.7 never finds a stored date before $$NOW.
        expired = {"$lt": [{"$toLong": "$until"}, {"$toLong": "$$NOW"}]}
        free = {"_id": LOCK, "$or": [{"token": None}, {"$expr": expired}]}
        taken = {
            "token": self._token,
            "owner": {"$literal": self._owner},
            "epoch": {"$add": [{"$ifNull": ["$epoch", 0]}, 1]},
            "since": "$$NOW",
            "until": self._until(),
        }
        with wrapped("taking the migration lock", writes=True):
            try:
                # Free, expired or new in one atomic call: where somebody holds it, the insertion meets their `_id`.
                await self._locks().find_one_and_update(free, [{"$set": taken}], upsert=True)
            except DuplicateKeyError:
                raise await self._held() from None

    async def _held(self) -> Conflict:
        held: dict[str, Any] = await self._locks().find_one({"_id": LOCK}) or {}
        owner = ", ".join(f"{key} {value}" for key, value in dict(held.get("owner") or {}).items())
        return Conflict(
            "lock-held",
            f"the migration lock of {self._connections.database} is held by {capped(owner) or 'somebody'} "
            f"until {held.get('until')}",
            help="Wait until the holder is done; a lease that is not renewed runs out by itself.",
            detail={"owner": held.get("owner") or {}},
        )

    async def beat(self, running_out: asyncio.Timeout) -> None:
        """Renew the lease three times in its length; a renewal that fails leaves the deadline where it is."""
        from pymongo.errors import PyMongoError

        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._lease_s / 3)
            asked_at = loop.time()
            try:
                answer = await self._locks().update_one(
                    {"_id": LOCK, "token": self._token}, [{"$set": {"until": self._until()}}]
                )
            except PyMongoError:
                continue
            if answer.matched_count != 1:
                running_out.reschedule(loop.time())
                return
            # The lease counts from when the server renewed it, which is no earlier than the question.
            running_out.reschedule(asked_at + self._lease_s)

    async def give_back(self) -> None:
        from pymongo.errors import PyMongoError

        freed = [{"$set": {"until": "$$NOW"}}, {"$unset": ["token", "owner"]}]
        # A lease that cannot be given back runs out by itself; the error of the work itself matters more.
        with suppress(PyMongoError):
            await self._locks().update_one({"_id": LOCK, "token": self._token}, freed)
