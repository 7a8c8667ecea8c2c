"""The collections that restores put aside, and how large they are."""

from __future__ import annotations

from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.kept import sized
from skill_server.backends.mongo.restore.replacement import ASIDE_PREFIX
from skill_server.backends.replacing import KeptThing


async def replaced(connections: Connections) -> tuple[KeptThing, ...]:
    """List what restores of this database put aside, one line for each restore."""
    found: dict[str, list[KeptThing]] = {}
    with wrapped("listing collections"):
        listed: list[dict[str, Any]] = await (await connections.db().list_collections()).to_list(None)
    for entry in listed:
        name = str(entry["name"])
        if name.startswith(f"{ASIDE_PREFIX}."):
            stamp = name.removeprefix(f"{ASIDE_PREFIX}.").partition(".")[0]
            # A view takes no room, and a server refuses to measure one.
            is_view = "viewOn" in (entry.get("options") or {})
            thing = (
                KeptThing(name=name, records=0, size_bytes=0) if is_view else await sized(connections, name)
            )
            found.setdefault(stamp, []).append(thing)
    return tuple(
        KeptThing(
            name=f"{ASIDE_PREFIX}.{stamp}.*",
            records=sum(thing.records for thing in things),
            size_bytes=sum(thing.size_bytes for thing in things),
        )
        for stamp, things in sorted(found.items())
    )
