"""The rows of a backup go into a database: from the archive, and from the parts of large tables at the same time.

The archive goes in as it is where there are no parts. Else its three sections are restored one after the other, with
the parts beside the second: tables exist then, while indexes, keys and triggers do not yet.
"""

import io
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

import asyncpg

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.backup import archive, client_tools, copying
from skill_server.backends.postgres.backup.packing import Unpacked
from skill_server.backends.postgres.backup.restoring import restoring
from skill_server.backends.postgres.backup.together import together
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.sealing import Seal
from skill_server.errors import Failed

# What the archive sets for its own rows. Nobody needs the database before all of it is there, so no row has to wait for
# the disk; the server flushes them before long.
_SETTINGS = {
    "search_path": "",
    "intervalstyle": "postgres",
    "row_security": "off",
    "synchronous_commit": "off",
}


class Filling(NamedTuple):
    """What is restored from where to where; `file` is the archive, whose hash was checked."""

    connections: Connections
    tools: client_tools.ClientTools
    server: int
    options: Sequence[str]
    place: int
    file: io.FileIO
    note: archive.Note
    seal: Seal | None
    meter: copying.Meter


async def fill(what: Filling) -> None:
    """Restore everything.

    Raises:
        Failed: `restore-failed`, or `backup-damaged` where a stream is not what was recorded.
    """
    if not what.note.parts:
        await _restore(what)
        return
    await _restore(what, "pre-data")
    waiting = deque(what.note.parts)

    async def rows() -> None:
        await _restore(what, "data")
        await copier()

    async def copier() -> None:
        if not waiting:
            return
        async with what.connections.session(purpose="restore", settings=_SETTINGS) as connection:
            if what.server >= 17:
                # A role may carry one; a long copy is what this session is for.
                await connection.execute("SET transaction_timeout = 0")
            while waiting:
                await _copy(what, connection, waiting.popleft())

    await together([rows(), *(copier() for _ in range(min(copying.copiers() - 1, len(waiting))))])
    await _restore(what, "post-data")


async def _restore(what: Filling, section: str | None = None) -> None:
    options = [*what.options, *([f"--section={section}"] if section else [])]
    what.file.seek(0)
    unpacked = Unpacked(what.file, archive.ARCHIVE, what.note, what.seal)
    counted = section in {None, "data"}
    async with (
        restoring(
            what.connections,
            what.tools,
            what.server,
            options,
            event_triggers=what.note.event_triggers and section in {None, "post-data"},
        ) as pg_restore,
        aclosing(unpacked.pieces()) as pieces,
    ):
        async for piece in pieces:
            if not await pg_restore.feed(piece):
                # It has ended, and its exit code says why: without rows to restore it reads the beginning alone.
                return
            if counted:
                await what.meter.add(len(piece))


async def _copy(what: Filling, connection: Connection, part: archive.TablePart) -> None:
    with archive.open_part(what.place, part.name) as file:
        unpacked = Unpacked(file, part.name, part, what.seal)

        async def source() -> AsyncGenerator[bytes]:
            async with aclosing(unpacked.pieces()) as pieces:
                async for piece in pieces:
                    yield piece
                    await what.meter.add(len(piece))

        try:
            async with aclosing(source()) as rows:
                status = await connection.copy_to_table(
                    part.table,
                    source=rows,
                    columns=part.columns,
                    schema_name=part.schema_name,
                    format="text",
                    encoding=what.note.encoding,
                )
        except asyncpg.PostgresError as error:
            if failures.is_connection_loss(error) or failures.sqlstate(error) == failures.PERMISSION_DENIED:
                raise
            raise Failed(
                "restore-failed",
                f"PostgreSQL did not take the rows of {part.schema_name}.{part.table}: {failures.server_text(error)}",
                help="Mend what the message names, then restore again.",
            ) from error
    if status != f"COPY {part.records}":
        raise archive.damaged(f"{part.name} holds other rows than recorded ({failures.capped(status)})")
