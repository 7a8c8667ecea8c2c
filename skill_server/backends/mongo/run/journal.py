"""The journal: what this database has seen of each step, written durably after the step's work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import patiently, wrapped
from skill_server.model.base import JsonObject
from skill_server.model.ids import LEDGER_NAME
from skill_server.model.receipt import Mark

COLLECTION = f"{LEDGER_NAME}.journal"
RUNNING, DONE = "running", "done"


class MongoJournal:
    """Marks of steps by plan; a step without a mark never ran here."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def marks(self, plan_id: str) -> dict[str, Mark]:
        """Return the marks of a plan by step id."""
        with wrapped("reading the journal"):
            found: list[dict[str, Any]] = await self._collection().find({"_id.plan": plan_id}).to_list(None)
        return {
            entry["_id"]["step"]: Mark(
                step=entry["_id"]["step"], state=entry["state"], at=entry["at"], detail=entry["detail"]
            )
            for entry in found
        }

    async def put(self, plan_id: str, step: str, state: str, detail: JsonObject | None = None) -> None:
        """Write the mark of a step; the call returns when a majority has it in its journal."""
        async for attempt in patiently():
            with attempt:
                await self.put_in(None, plan_id, step, state, detail)

    async def put_in(
        self, session: Any, plan_id: str, step: str, state: str, detail: JsonObject | None = None
    ) -> None:
        """Write the mark once, within the transaction of a session where there is one."""
        entry = {"state": state, "at": datetime.now(UTC), "detail": detail or {}}
        identity = {"plan": plan_id, "step": step}
        await self._collection().update_one({"_id": identity}, {"$set": entry}, upsert=True, session=session)

    async def forget(self, plan_id: str) -> None:
        """Delete the marks of a plan."""
        with wrapped("clearing the journal", writes=True):
            await self._collection().delete_many({"_id.plan": plan_id})

    def _collection(self) -> Any:
        return self._connections.db()[COLLECTION]
