"""The ledger's rows: one document for each event, written so that the same text comes back byte for byte."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import PERMISSION_CODES, wrapped
from skill_server.backends.mongo.schema.listing import all_names
from skill_server.errors import Conflict, Invalid, Refused
from skill_server.model.base import canonical
from skill_server.model.receipt import Event

EVENT_COLLECTION = "database_migration.event"
UNIQUE_INDEX = "unique_once"
# Number of the server's error_codes.yml.
_NAMESPACE_EXISTS = 48


class MongoStore:
    """The events of one database.

    Bodies are stored as canonical JSON text, so that the MAC over them can be computed again, and times as ISO text,
    because BSON dates hold milliseconds and events microseconds.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def prepare(self) -> None:
        """Create the collection and its index, or do nothing where they exist.

        Raises:
            Refused: the role may not create them (`ledger-not-writable`).
        """
        from pymongo.errors import CollectionInvalid, OperationFailure

        database = self._connections.db()
        with wrapped("creating the ledger", writes=True):
            try:
                if not await self.exists():
                    try:
                        await database.create_collection(EVENT_COLLECTION)
                    except (CollectionInvalid, OperationFailure) as error:
                        # Another process was faster, which is as good.
                        if getattr(error, "code", None) not in {_NAMESPACE_EXISTS, None}:
                            raise
                await database[EVENT_COLLECTION].create_index(
                    [("unique", 1)],
                    name=UNIQUE_INDEX,
                    unique=True,
                    partialFilterExpression={"unique": {"$exists": True}},
                )
            except OperationFailure as error:
                if error.code in PERMISSION_CODES:
                    raise Refused(
                        "ledger-not-writable",
                        f"the MongoDB user may not create the ledger in {self._connections.database}",
                        help="Grant the user readWrite on the database.",
                    ) from error
                raise

    async def exists(self) -> bool:
        """Say whether a ledger is there, without creating one."""
        return EVENT_COLLECTION in await all_names(self._connections)

    async def append(self, event: Event) -> None:
        """Store an event; it is on the disks of a majority when this returns.

        Raises:
            Conflict: `event.seq` or `event.unique` is taken (`ledger-race`).
            InDoubt: the answer was lost.
        """
        from pymongo.errors import DuplicateKeyError

        document = _to_document(event)
        with wrapped("appending to the ledger", writes=True):
            try:
                await self._connections.db()[EVENT_COLLECTION].insert_one(document)
            except DuplicateKeyError as error:
                raise Conflict(
                    "ledger-race",
                    f"event {event.seq} ({event.kind}) is already in the ledger of {self._connections.database}",
                    help="Ask migration_status what was recorded, then repeat the call if it still fits.",
                    next_tool="migration_status",
                ) from error

    async def events(self) -> list[Event]:
        """Return all events in order of `seq`."""
        with wrapped("reading the ledger"):
            found = await self._connections.db()[EVENT_COLLECTION].find().sort("_id", 1).to_list(None)
        return [_from_document(document) for document in found]


def _to_document(event: Event) -> dict[str, Any]:
    body, bound = canonical(event.body), canonical(event.bound)
    try:
        (body + bound + (event.unique or "")).encode()
    except UnicodeEncodeError as error:
        raise Invalid(
            "event-not-unicode",
            f"event {event.seq} ({event.kind}) holds half of a surrogate pair, which MongoDB cannot store",
            help="Correct the text that the event quotes.",
        ) from error
    document: dict[str, Any] = {
        "_id": event.seq,
        "kind": event.kind.value,
        "at": event.at.isoformat(timespec="microseconds"),
        "bound": bound,
        "body": body,
        "mac": event.mac,
    }
    if event.unique is not None:
        document["unique"] = event.unique
    return document


def _from_document(document: dict[str, Any]) -> Event:
    return Event(
        seq=document["_id"],
        kind=document["kind"],
        at=datetime.fromisoformat(document["at"]),
        bound=json.loads(document["bound"]),
        body=json.loads(document["body"]),
        unique=document.get("unique"),
        mac=document["mac"],
    )
