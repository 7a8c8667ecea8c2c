"""What is kept for downgrades: the collections under the product's own prefix, with their size."""

from __future__ import annotations

from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.inspect import extent
from skill_server.backends.mongo.schema.listing import all_names, is_kept
from skill_server.backends.replacing import KeptThing


async def kept(connections: Connections) -> tuple[KeptThing, ...]:
    """Return the kept collections in order of their names, with the sizes that the server estimates."""
    return tuple([await sized(connections, name) for name in await all_names(connections) if is_kept(name)])


async def sized(connections: Connections, name: str) -> KeptThing:
    """Return a collection with its documents and the size that the server estimates."""
    with wrapped(f"measuring {name}"):
        records, size = await extent(connections, name)
        # One server that speaks the protocol counts documents and estimates no size.
        size = size or await _measured(connections, name)
    return KeptThing(name=name, records=records, size_bytes=size)


async def _measured(connections: Connections, name: str) -> int:
    stages: list[dict[str, Any]] = [{"$group": {"_id": None, "size": {"$sum": {"$bsonSize": "$$ROOT"}}}}]
    found: list[dict[str, Any]] = await connections.db()[name].aggregate(stages).to_list(None)
    return sum(int(part["size"]) for part in found)
