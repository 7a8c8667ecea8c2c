"""The collections that restores put aside, and how large they are."""

from __future__ import annotations

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.kept import sized
from skill_server.backends.mongo.listing import all_names
from skill_server.backends.mongo.replacement import ASIDE_PREFIX
from skill_server.backends.replacing import KeptThing


async def replaced(connections: Connections) -> tuple[KeptThing, ...]:
    """List what restores of this database put aside, one line for each restore."""
    found: dict[str, list[KeptThing]] = {}
    for name in await all_names(connections):
        if name.startswith(f"{ASIDE_PREFIX}."):
            stamp = name.removeprefix(f"{ASIDE_PREFIX}.").partition(".")[0]
            found.setdefault(stamp, []).append(await sized(connections, name))
    return tuple(
        KeptThing(
            name=f"{ASIDE_PREFIX}.{stamp}.*",
            records=sum(thing.records for thing in things),
            size_bytes=sum(thing.size_bytes for thing in things),
        )
        for stamp, things in sorted(found.items())
    )
