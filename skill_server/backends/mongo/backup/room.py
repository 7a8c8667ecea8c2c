"""Whether the disk of the server has room for a restored copy, where the server tells how full it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skill_server.backends.mongo.backup.layout import DumpList
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.errors import Refused

# The server's own compression is of the kind that packs the files of a backup, and indexes come on top.
INDEX_SHARE = 1.5


async def require_room(connections: Connections, listed: DumpList) -> None:
    """Refuse a restore that would fill the disk of the server.

    Raises:
        Refused: less is free than the copy may need (`restore-no-space`).
    """
    with wrapped("asking how full the disk of the server is"):
        found: dict[str, Any] = await connections.db().command("dbStats")
    packed = sum(item.content.size_bytes for item in listed.collections if item.content is not None)
    require_free(found, int(packed * INDEX_SHARE))


def require_free(stats: Mapping[str, Any], needed_bytes: int) -> None:
    """Compare with what `dbStats` tells of the file system; a server that tells nothing is trusted to say so later.

    Raises:
        Refused: see `require_room`.
    """
    if "fsTotalSize" not in stats or "fsUsedSize" not in stats:
        return
    free = int(stats["fsTotalSize"]) - int(stats["fsUsedSize"])
    if free < needed_bytes:
        raise Refused(
            "restore-no-space",
            f"the restored copy needs about {needed_bytes} bytes and the disk of the server has {free} free",
            help="Free space on the server, or name a rehearsal server with more.",
        )
