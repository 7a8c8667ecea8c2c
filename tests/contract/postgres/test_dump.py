"""Backups of PostgreSQL: whole or absent, and of one moment."""

import asyncio
import os
import resource
import signal
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from skill_server.backends.postgres.backup import archive
from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.connection import Connections
from skill_server.errors import Failed, Refused
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import (
    execute,
    filled,
    private,
    scratch_copy,
    sums,
)


@contextmanager
def file_size_limit(size: int) -> Generator[None]:
    """Let no file of this process grow beyond a size, which is what a full disk looks like."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_checksums_and_archive_are_of_one_moment_although_others_write(
    postgres_database: str, tmp_path: Path
) -> None:
    """Checksums of another moment than the archive's would prove nothing."""
    connections, place = await filled(postgres_database), private(tmp_path)
    stop, written = asyncio.Event(), 0

    async def write() -> None:
        nonlocal written
        writer = await asyncpg.connect(postgres_database)
        try:
            while not stop.is_set():
                await writer.execute("UPDATE items SET amount = amount + 1 WHERE id % 50 = 0")
                written += 1
        finally:
            await writer.close()

    writing = asyncio.create_task(write())
    try:
        taken = await dump(connections, NameMap(), place)
    finally:
        stop.set()
        await writing

    assert written > 1
    assert await sums(connections) != taken.checksums
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums


async def test_the_files_are_private_and_of_the_size_and_hash_that_is_told(
    postgres_database: str, tmp_path: Path
) -> None:
    """The manifest is made of what the dump says of its files."""
    place = private(tmp_path)
    umask = os.umask(0)
    try:
        taken = await dump(await filled(postgres_database), NameMap(), place)
    finally:
        os.umask(umask)

    for part in taken.parts:
        file = place / part.name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.stat().st_size == part.size_bytes
        assert archive.part(part.name, file.read_bytes()).sha256 == part.sha256
    assert len(list(place.iterdir())) == 2


async def test_a_full_disk_leaves_nothing_behind(postgres_database: str, tmp_path: Path) -> None:
    """Half a backup under its final name would be taken for one."""
    connections, place = await filled(postgres_database), private(tmp_path)
    with file_size_limit(20_000), pytest.raises(Failed) as failure:
        await dump(connections, NameMap(), place)

    assert failure.value.code == "backup-no-space"
    assert list(place.iterdir()) == []


async def test_too_little_room_is_refused_before_anything_is_written(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forecast costs nothing; an hour of dumping onto a full disk does."""
    connections, place = await filled(postgres_database), private(tmp_path)
    real = os.fstatvfs

    def nearly_full(place: int) -> os.statvfs_result:
        fields = list(real(place))
        fields[4] = 1
        return os.statvfs_result(fields)

    monkeypatch.setattr(os, "fstatvfs", nearly_full)
    with pytest.raises(Refused) as refusal:
        await dump(connections, NameMap(), place)

    assert refusal.value.code == "backup-no-space"
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("killed", ["program", "session"])
async def test_a_dump_whose_tool_or_session_is_killed_is_no_backup(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    """A pipe ends the same way for a whole dump and for half of one; only the exit code tells."""
    connections, place = await filled(postgres_database), private(tmp_path)
    # More than all buffers between pg_dump and here, so that it still runs when the first piece arrives.
    await execute(
        postgres_database,
        "CREATE TABLE big AS SELECT repeat(md5(i::text), 30) AS t FROM generate_series(1, 20000) i",
    )
    started: list[int] = []
    real = asyncio.create_subprocess_exec

    async def start(program: Path, *arguments: str, **options: object) -> asyncio.subprocess.Process:
        process = await real(program, *arguments, **options)  # type: ignore[arg-type]
        started.append(process.pid)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)

    async def kill(_done: float, _total: float | None, _message: str) -> None:
        if not started:
            return
        if killed == "program":
            os.kill(started[-1], signal.SIGKILL)
        else:
            await execute(
                postgres_database,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'database-migration'",
            )
        started.clear()

    with pytest.raises(Failed) as failure:
        await dump(connections, NameMap(), place, kill, large_bytes=1 << 40)

    assert failure.value.code == "dump-failed"
    assert list(place.iterdir()) == []


async def test_a_cancelled_dump_leaves_neither_files_nor_a_running_tool(
    postgres_database: str, tmp_path: Path
) -> None:
    """A client that goes away must not leave a pg_dump that holds locks."""
    connections, place = await filled(postgres_database), private(tmp_path)
    reached = asyncio.Event()

    async def wait_for_ever(_done: float, _total: float | None, _message: str) -> None:
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(dump(connections, NameMap(), place, wait_for_ever))
    await asyncio.wait_for(reached.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert list(place.iterdir()) == []
    # Closing a session tells the server; it is gone when an exclusive lock can be had.
    await execute(postgres_database, "SET lock_timeout = '10s'; TRUNCATE items")


async def test_a_second_backup_does_not_overwrite_the_first(postgres_database: str, tmp_path: Path) -> None:
    """A failed second one would otherwise take the first with it."""
    connections, place = await filled(postgres_database), private(tmp_path)
    taken = await dump(connections, NameMap(), place)
    with pytest.raises(Refused) as refusal:
        await dump(connections, NameMap(), place)

    assert refusal.value.code == "backup-exists"
    assert (place / archive.ARCHIVE).stat().st_size == taken.parts[0].size_bytes


@pytest.mark.parametrize("how", ["open", "link", "missing"])
async def test_a_directory_that_others_may_enter_is_refused(
    postgres_database: str, tmp_path: Path, how: str
) -> None:
    """A backup holds everything the database does."""
    place = private(tmp_path)
    if how == "open":
        place.chmod(0o755)
    elif how == "link":
        (tmp_path / "link").symlink_to(place)
        place = tmp_path / "link"
    else:
        place = tmp_path / "missing"
    with pytest.raises(Refused) as refusal:
        await dump(Connections(postgres_database), NameMap(), place)

    assert refusal.value.code == "directory-not-private"
