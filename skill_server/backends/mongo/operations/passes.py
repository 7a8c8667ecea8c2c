"""Going over a collection in batches until nothing is left to do.

A pass reads matching documents in one scan and writes by `_id`: such single updates are retried by the driver, seek the
index on every server, and hold no lock for longer than one document. Every write carries its own guard in the filter,
so a pass that broke off is simply begun again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import bson_walk
from skill_server.backends.mongo.failures import patiently
from skill_server.errors import Failed

# Each pass only meets what was written during the one before it.
MOST_PASSES = 20

# Given one batch of documents, writes what they need and says how many needed anything.
Batch = Callable[[Sequence[bytes]], Awaitable[int]]
# Called after each batch with the number of documents read so far.
Border = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class Passes:
    """What every data operation needs: where to write, how much at a time, and whom to tell."""

    connections: Connections
    batch_records: int
    border: Border

    async def until_quiet(self, collection: str, matching: Mapping[str, Any], batch: Batch) -> None:
        """Go over the matching documents until a pass finds none that needs anything.

        Raises:
            Failed: `field-still-written`; after many passes a writer still makes new work.
        """
        for _ in range(MOST_PASSES):
            if await self.once(collection, matching, batch) == 0:
                return
        raise Failed(
            "field-still-written",
            f"after {MOST_PASSES} passes documents of {collection} are still written in the old form",
            help="Stop the application's old version, then call again.",
        )

    async def once(self, collection: str, matching: Mapping[str, Any], batch: Batch) -> int:
        """Go over the matching documents one time and return how many needed anything.

        A passing error of the server begins the pass again, a bounded number of times.
        """
        needed = 0
        async for attempt in patiently():
            with attempt:
                needed = await self._once(collection, matching, batch)
        return needed

    async def _once(self, collection: str, matching: Mapping[str, Any], batch: Batch) -> int:
        needed = seen = 0
        waiting: list[bytes] = []
        cursor = self.connections.db()[collection].find_raw_batches(matching, batch_size=self.batch_records)
        async for data in cursor:
            waiting.extend(bson_walk.documents(bytes(data)))
            while len(waiting) >= self.batch_records:
                now, waiting = waiting[: self.batch_records], waiting[self.batch_records :]
                needed += await batch(now)
                seen += len(now)
                await self.border(seen)
        if waiting:
            needed += await batch(waiting)
            await self.border(seen + len(waiting))
        return needed

    async def write(self, collection: str, requests: list[Any]) -> None:
        """Send single updates in one call, in any order.

        The validator is passed by: moving content must not fail on a document that broke the rules long before.
        """
        if requests:
            await self.connections.db()[collection].bulk_write(
                requests, ordered=False, bypass_document_validation=True
            )
