"""Looking up what is kept of single documents."""

from __future__ import annotations

from collections.abc import Sequence

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import raw


async def kept_values(
    connections: Connections, kept: str, identities: Sequence[raw.Value], *, which: str = "old"
) -> dict[raw.Value, raw.Value]:
    """Return the kept values of these documents by `_id`."""
    if not identities:
        return {}
    found: dict[raw.Value, raw.Value] = {}
    wanted = {"_id": {"$in": [raw.key(identity) for identity in identities]}}
    async for side in connections.raw(kept).find(wanted):
        found[raw.require(side.raw, "_id")] = raw.require(side.raw, which)
    return found
