"""Writing a backup through the driver: raw documents into MongoDB's own dump layout, hashed and summed as they pass."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skill_server.backends.base import Progress, no_progress
from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.backup.dump_files import DumpFiles
from skill_server.backends.mongo.backup.dump_reads import DumpReads
from skill_server.backends.mongo.backup.durable import SPARE_BYTES, out_of_space, require_space, sealed_name
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.sealing import Seal
from skill_server.errors import Refused
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult


async def dump(
    connections: Connections,
    names: NameMap,
    directory: Path,
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
) -> DumpResult:
    """Write everything but the product's own collections below an existing private directory, encrypted with a seal.

    One moment is promised where a snapshot session proves that it isolates and lasts long enough, or where reading
    everything a second time finds the same content, which then stood still in between.

    Raises:
        Refused: too little space is free (`backup-no-space`), or the directory holds a dump (`backup-exists`).
        Failed: the disk filled up (`backup-no-space`) or the server gave up a cursor every time (`cursor-lost`).
            Nothing of the dump is left.
    """
    size = await _size(connections)
    require_space(directory, _wanted(size))
    root = directory / layout.FOLDER
    listed = sealed_name(directory / layout.LIST_FILE, seal)
    if root.exists() or root.is_symlink() or listed.exists():
        raise Refused(
            "backup-exists",
            f"{layout.FOLDER} is already in the directory of the backup",
            help="Back up into a new directory.",
        )
    files = DumpFiles(connections, directory, seal)
    try:
        with out_of_space():
            files.begin()
            reads = DumpReads(
                connections,
                names,
                files,
                progress,
                size_bytes=int(size["dataSize"]),
                records=int(size["objects"]),
            )
            return await reads.result(await reads.all())
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        listed.unlink(missing_ok=True)
        raise


async def wanted_bytes(connections: Connections) -> int:
    """Return how many bytes a backup may need on the disk."""
    return _wanted(await _size(connections)) + SPARE_BYTES


async def _size(connections: Connections) -> Mapping[str, Any]:
    with wrapped("asking for the size of the database"):
        return await connections.db().command("dbStats")


def _wanted(size: Mapping[str, Any]) -> int:
    # The server's files are compressed with a faster method than gzip, so they bound the dump from above.
    return int(min(size["dataSize"], size["storageSize"]))
