"""What would stop a backup from taking the place of the live collections, asked before it is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.backup.scratch import drop, made_scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.restore import replaceable
from skill_server.backends.mongo.schema.listing import listing
from skill_server.backends.sealing import Seal


async def require_restorable(
    connections: Connections, directory: Path, probe: str, *, seal: Seal | None = None
) -> None:
    """Check the collections of a backup against this database, and rename empty ones like them between scratch ones.

    Raises:
        Refused: one could not be put in place here (`replacement-impossible`).
        Failed: the list of the backup cannot be read (`backup-damaged`), or no scratch database can be made.
    """
    listed = await asyncio.to_thread(layout.open_list, directory, seal)
    new = [layout.described_as(item.name, item.kind, item.described) for item in listed.collections]
    await replaceable.require(connections, await listing(connections), new)
    # What a server loses when it renames does not depend on the database, so the live one is left alone.
    source, target = connections.at(probe), connections.at(f"{probe}_in")
    async with _made(source), _made(target):
        await replaceable.require_options_kept(target, source, new)


@asynccontextmanager
async def _made(connections: Connections) -> AsyncGenerator[None]:
    async with made_scratch(connections):
        pass
    try:
        yield
    finally:
        await drop(connections)
