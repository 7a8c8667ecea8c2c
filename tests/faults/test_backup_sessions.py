"""A session or a client tool that ends in the middle of a PostgreSQL backup or its restore: no backup, no copy."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.backup.scratch import scratch
from skill_server.backends.postgres.connection import Connections
from skill_server.errors import Failed
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import (
    database_exists,
    execute,
    filled,
    private,
    scratch_copy,
    sums,
    value,
)
from tests.support.killed import WITHIN_S, tool_of

# So much that each part of a backup lasts longer than finding its session takes: one table that stays in the archive
# of pg_dump, and one whose rows are copied beside it.
BIG = """
CREATE TABLE middle AS SELECT i AS id, repeat(md5(i::text), 30) AS line FROM generate_series(1, 12000) AS i;
CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 30) AS line FROM generate_series(1, 30000) AS i"""
# How each session of a backup is told from the others, and when it is in the middle of its work.
SESSIONS = {
    "pg_dump": "application_name = 'database-migration' AND query LIKE 'COPY %'",
    "exporter": "application_name = 'database-migration backup' AND state = 'idle in transaction'",
    "copier": "application_name = 'database-migration backup' AND state = 'active' AND query LIKE 'COPY %'",
    "checksum": "application_name = 'database-migration checksum' AND query LIKE '%hashtextextended%'",
}


async def ended(connection: asyncpg.Connection[Any], which: str) -> bool:
    """Terminate one session of a backup, and say whether it was there."""
    found = await connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = current_database() AND {SESSIONS[which]}"
    )
    return bool(found)


async def harmed(task: asyncio.Task[Any], harm: Callable[[], Awaitable[bool]]) -> None:
    """Do harm as soon as it can be done, which must be before the task has ended."""
    async with asyncio.timeout(WITHIN_S):
        while not await harm():
            assert not task.done(), "it ended before the harm could be done"
            await asyncio.sleep(0)


@pytest.mark.parametrize("which", SESSIONS)
async def test_a_backup_that_loses_one_of_its_sessions_fails_and_leaves_nothing(
    postgres_database: str, tmp_path: Path, which: str
) -> None:
    """Whichever session an administrator ends, the other ones must not finish what would look like a backup."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await execute(postgres_database, BIG)
    before = await sums(connections)
    administrator = await asyncpg.connect(postgres_database)
    try:
        dumping = asyncio.create_task(dump(connections, NameMap(), place))
        await harmed(dumping, lambda: ended(administrator, which))
        with pytest.raises(Failed) as failure:
            await dumping
    finally:
        await administrator.close()

    assert failure.value.code in {"dump-failed", "connection-lost"}
    assert list(place.iterdir()) == []
    assert (await dump(connections, NameMap(), place)).checksums == before == await sums(connections)


@pytest.mark.parametrize("which", ["pg_dump", "pg_restore"])
async def test_a_client_tool_that_is_killed_alone_fails_what_it_worked_for(
    postgres_database: str, tmp_path: Path, which: str
) -> None:
    """A pipe ends the same way for a whole stream and for half of one; only the exit code tells."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await execute(postgres_database, BIG)
    own = psutil.Process()

    async def kill() -> bool:
        tool = await asyncio.to_thread(tool_of, own, which)
        if tool is not None:
            os.kill(tool.pid, signal.SIGKILL)
        return tool is not None

    async with scratch_copy(connections) as copy:
        if which == "pg_restore":
            await dump(connections, NameMap(), place)
            working = asyncio.create_task(load(copy, place))
        else:
            working = asyncio.create_task(discarded(connections, place))
        await harmed(working, kill)
        with pytest.raises(Failed) as failure:
            await working
        assert copy.database not in await scratch(copy)
        assert not await database_exists(connections, copy.database)

    if which == "pg_dump":
        assert failure.value.code == "dump-failed"
        assert list(place.iterdir()) == []
    else:
        assert failure.value.code == "restore-failed"
    assert await value(postgres_database, "SELECT count(*) FROM big") == 30000


async def discarded(connections: Connections, place: Path) -> None:
    """Dump for the sake of the files alone."""
    await dump(connections, NameMap(), place)
