"""The journal's word on a replacement: what is to move where, and how far it is."""

from __future__ import annotations

from typing import Any

from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.listing import Collection
from skill_server.model.base import Frozen

JOURNAL_COLLECTION = "database_migration.journal"
ASIDE_PREFIX = "database_migration.replaced"


class Incoming(Frozen):
    """A collection of the copy, its options and indexes, and how many documents it must bring."""

    name: str
    kind: str
    described: str
    records: int = 0

    def collection(self) -> Collection:
        """Return it as the server described it."""
        return layout.described_as(self.name, self.kind, self.described)


class Replacement(Frozen):
    """The journal's word on one replacement, written before anything moves."""

    copy_name: str
    stamp: str
    done: bool = False
    old: tuple[Incoming, ...]
    new: tuple[Incoming, ...]
    brought: tuple[str, ...] = ()

    def aside(self, name: str) -> str:
        """Return the name under which an old collection stays."""
        return f"{ASIDE_PREFIX}.{self.stamp}.{name}"


class Journal:
    """One document for each replacement that says how far it is."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def is_done(self, copy: str) -> bool:
        """Say whether the replacement by this copy is finished."""
        with wrapped("reading the journal"):
            return await self._documents().find_one({"replaced_with": copy, "done": True}) is not None

    async def unfinished(self) -> Replacement | None:
        """Return the replacement that was begun and did not end."""
        with wrapped("reading the journal"):
            found = await self._documents().find_one({"replaced_with": {"$exists": True}, "done": False})
        return None if found is None else Replacement.model_validate_json(found["replacement"])

    async def write(self, replacement: Replacement) -> None:
        """Store how far a replacement is."""
        key = f"replacement {replacement.stamp}"
        document = {
            "_id": key,
            "replaced_with": replacement.copy_name,
            "done": replacement.done,
            "replacement": replacement.model_dump_json(),
        }
        with wrapped("writing the journal", writes=True):
            await self._documents().replace_one({"_id": key}, document, upsert=True)

    def _documents(self) -> Any:
        return self._connections.db()[JOURNAL_COLLECTION]
