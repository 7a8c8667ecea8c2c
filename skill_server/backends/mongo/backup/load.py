"""Making a scratch database from a dump, after every file of it has been proven unchanged."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path

from skill_server.backends.base import Progress, no_progress
from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.backup.durable import READ_BYTES, opened
from skill_server.backends.mongo.backup.fill import create_views, fill
from skill_server.backends.mongo.backup.reading import in_thread
from skill_server.backends.mongo.backup.room import require_room
from skill_server.backends.mongo.backup.scratch import made_scratch
from skill_server.backends.mongo.backup.together import AT_ONCE, together
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents.bson_walk import LENGTH_BYTES, Malformed, document_length
from skill_server.backends.mongo.schema.listing import Collection
from skill_server.backends.sealing import Seal
from skill_server.model.receipt import BackupPart


async def load(
    connections: Connections,
    directory: Path,
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
) -> None:
    """Create this scratch database from a directory that `dump` wrote, with the seal that it was written with.

    Raises:
        Refused: the database is not empty (`restore-target-not-empty`) or not named as scratch (`not-scratch`), or
            the server's disk has no room for it (`restore-no-space`).
        Failed: a file is not what was written (`backup-damaged`), or the server refused something; the database is
            dropped again.
    """
    listed = await asyncio.to_thread(layout.read_list, directory, seal)
    items = [
        (dumped, layout.described_as(dumped.name, dumped.kind, dumped.described))
        for dumped in listed.collections
    ]
    contents = [(dumped.content, item) for dumped, item in items if dumped.content is not None]
    # The largest first, so that no worker is left alone with it at the end.
    contents.sort(key=lambda entry: -entry[0].size_bytes)
    total = float(sum(part.records or 0 for part, _ in contents))
    done = 0

    async def bring(entry: tuple[BackupPart, Collection]) -> None:
        nonlocal done
        part, item = entry
        try:
            # Closed at once when filling fails, because a seal keeps a thread and a pipe for its file.
            async with aclosing(_content(directory / part.name, seal)) as content:
                loaded = await fill(connections, item, content)
        except (OSError, EOFError, zlib.error, Malformed) as error:
            # The hashes fitted a moment ago, so the file was changed since.
            raise layout.damaged(part.name, "cannot be read") from error
        if loaded != part.records:
            raise layout.damaged(part.name, f"holds {loaded} documents instead of {part.records}")
        done += loaded
        await progress(done, total, f"{done} documents restored")

    await require_room(connections, listed)
    async with made_scratch(connections):
        await together(bring, contents, at_once=AT_ONCE)
        await create_views(connections, [item for _, item in items])


async def _content(path: Path, seal: Seal | None) -> AsyncGenerator[bytes]:
    """Yield whole documents of a `.bson.gz` file, many at a time.

    Raises:
        Malformed: the file ends inside a document.
    """
    rest = b""
    with opened(path, seal) as file, gzip.GzipFile(fileobj=file) as content:
        while block := await in_thread(partial(content.read, READ_BYTES)):
            rest += block
            border = _last_border(rest)
            if border:
                yield rest[:border]
                rest = rest[border:]
    if rest:
        raise Malformed("the file ends inside a document")


def _last_border(data: bytes) -> int:
    """Return where the last whole document ends."""
    position = 0
    while position + LENGTH_BYTES <= len(data):
        end = position + document_length(data, position)
        if end > len(data):
            break
        position = end
    return position
