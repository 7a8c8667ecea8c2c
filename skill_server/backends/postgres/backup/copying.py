"""The rows of a backup: pg_dump's archive and the ranges of large tables, written by a few copiers at once.

All of them read through the one exported snapshot, pg_dump among them.
"""

import asyncio
import os
import re
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from skill_server.backends.base import Progress
from skill_server.backends.postgres import failures
from skill_server.backends.postgres.backup import archive, child, client_tools, splitting
from skill_server.backends.postgres.backup.packing import packing
from skill_server.backends.postgres.backup.together import together
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.sealing import Seal
from skill_server.errors import Failed
from skill_server.model.ids import LEDGER_NAME

LOCK_WAIT_S = 30
_MOST_COPIERS = 4
_COPIED = re.compile(r"COPY (\d+)")
# What pg_dump sets before it copies. A range is read by its blocks alone: a plan that scans the whole table for each of
# them, or workers of the server's own, would make it slower.
_SETTINGS = {
    "search_path": "",
    "intervalstyle": "postgres",
    "row_security": "off",
    "synchronize_seqscans": "off",
    "enable_seqscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}


class Copied(NamedTuple):
    """What was written: the archive, and the parts in their order."""

    whole: archive.Stored
    parts: tuple[archive.TablePart, ...]


class Copying(NamedTuple):
    """What every copier needs to know."""

    connections: Connections
    tools: client_tools.ClientTools
    snapshot: str
    encoding: str
    place: int
    seal: Seal | None
    progress: "Meter"


class Meter:
    """The bytes of all copiers as one rising number."""

    def __init__(self, progress: Progress, total: int, message: str) -> None:
        self._progress, self._total, self._message = progress, total, message
        self._done, self._telling = 0, asyncio.Lock()

    async def add(self, size: int) -> None:
        """Tell that so many bytes more were done."""
        self._done += size
        async with self._telling:
            total = float(self._total) if self._done <= self._total else None
            await self._progress(float(self._done), total, self._message)


def copiers() -> int:
    """Return how many tables or ranges are read or written at once."""
    return max(2, min(_MOST_COPIERS, os.cpu_count() or 1))


async def copy(what: Copying, ranges: Sequence[splitting.Range]) -> Copied:
    """Write the archive and every range.

    Raises:
        Failed: pg_dump or a copier failed (`dump-failed`), or the files could not be written.
    """
    written: list[archive.Stored] = []
    parts: dict[int, archive.TablePart] = {}
    waiting = deque(enumerate(ranges, start=1))

    async def dump() -> None:
        written.append(await _dump(what, splitting.left_out(ranges)))
        await copier()

    async def copier() -> None:
        if not waiting:
            return
        async with what.connections.session(purpose="backup", settings=_SETTINGS) as connection:
            await _begin(connection, what.snapshot)
            while waiting:
                number, one = waiting.popleft()
                parts[number] = await _copy(what, connection, archive.part_name(number), one)

    # pg_dump spends its first part on catalogs, and reads no rows of large tables: it is one of the copiers.
    await together([dump(), *(copier() for _ in range(min(copiers() - 1, len(ranges))))])
    return Copied(written[0], tuple(parts[number] for number in sorted(parts)))


async def _begin(connection: Connection, snapshot: str) -> None:
    if connection.get_server_version().major >= 17:
        # A role may carry one; a long copy is what this session is for.
        await connection.execute("SET transaction_timeout = 0")
    # Nothing ends this transaction but the end of its session: after a copy that was broken off, the driver's own
    # transactions fail to roll back, and hide the error that broke it off.
    await connection.execute(
        f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'"
    )


async def _dump(what: Copying, left_out: Sequence[str]) -> archive.Stored:
    tools = what.tools
    arguments = (
        # Uncompressed, because every pg_dump can do that and packing it ourselves is four times as fast as its gzip.
        *("--format=custom", "--compress=0", "--no-password", f"--snapshot={what.snapshot}"),
        # Else it is what somebody may have set for the role or the database, which need not know every letter.
        f"--encoding={what.encoding}",
        *(f"--exclude-schema={LEDGER_NAME}", f"--lock-wait-timeout={LOCK_WAIT_S * 1000}"),
        *left_out,
    )
    environment = what.connections.environment()
    async with (
        packing(what.place, archive.ARCHIVE, what.seal) as packed,
        child.running(tools.dump, arguments, environment, fed=False) as pg_dump,
    ):
        while piece := await pg_dump.read():
            await packed.write(piece)
            await what.progress.add(len(piece))
        code = await pg_dump.exit_code()
        if code != 0:
            raise _failed(f"pg_dump {tools.version} ended with code {code}: {pg_dump.first_error}")
        return await packed.finish()


async def _copy(what: Copying, connection: Connection, name: str, one: splitting.Range) -> archive.TablePart:
    async with packing(what.place, name, what.seal) as packed:

        async def take(piece: bytes) -> None:
            await packed.write(piece)
            await what.progress.add(len(piece))

        try:
            status = await connection.copy_from_query(
                one.query, output=take, format="text", encoding=what.encoding
            )
        except BaseException as error:
            # The server stops at its next write; asking it to would wait for the rows that are on their way.
            connection.terminate()
            if not isinstance(error, asyncpg.PostgresError):
                raise
            if failures.is_connection_loss(error) or failures.sqlstate(error) == failures.PERMISSION_DENIED:
                raise
            raise _failed(
                f"reading {one.schema}.{one.table} failed: {failures.server_text(error)}"
            ) from error
        stored = await packed.finish()
    counted = _COPIED.fullmatch(status)
    if counted is None:
        raise _failed(f"the server ended a copy of {one.schema}.{one.table} with {failures.capped(status)!r}")
    return archive.TablePart(
        **stored.model_dump(),
        name=name,
        schema_name=one.schema,
        table=one.table,
        columns=one.columns,
        records=int(counted[1]),
    )


def _failed(message: str) -> Failed:
    return Failed(
        "dump-failed",
        message,
        help="Mend what the message names, then take the backup again.",
        next_tool="backup",
    )
