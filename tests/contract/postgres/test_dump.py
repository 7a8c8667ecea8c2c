"""Backups of PostgreSQL: whole or absent, and never restored when damaged."""

import asyncio
import os
import resource
import signal
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skill_server.backends.postgres import archive, child, client_tools, fingerprint
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.dump import dump
from skill_server.backends.postgres.load import load
from skill_server.backends.postgres.scratch import scratch
from skill_server.errors import Failed, Refused
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import execute, filled, private, scratch_copy, sums, value


async def schema(connections: Connections) -> str:
    """Return the schema's fingerprint."""
    async with connections.session(purpose="test") as connection:
        return await fingerprint.read(connection)


async def server_major(connections: Connections) -> int:
    """Return the server's major version."""
    async with connections.session(purpose="test") as connection:
        return connection.get_server_version().major


@contextmanager
def file_size_limit(size: int) -> Generator[None]:
    """Let no file of this process grow beyond a size, which is what a full disk looks like."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_restored_backup_equals_its_source_in_schema_and_every_value(
    postgres_database: str, tmp_path: Path
) -> None:
    """This is what a backup is for; the ledger alone stays behind."""
    connections, place = await filled(postgres_database), private(tmp_path)
    taken = await dump(connections, NameMap(), place)

    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums == await sums(connections)
        assert await schema(copy) == taken.fingerprint == await schema(connections)
        async with copy.session(purpose="test") as connection:
            assert await connection.fetchval("SELECT to_regnamespace('database_migration')") is None
            assert (
                await connection.fetchval("SELECT lo_get(oid) FROM pg_largeobject_metadata")
                == b"a large object"
            )

    assert taken.point_in_time
    assert {part.name for part in taken.parts} == {archive.ARCHIVE, archive.NOTE}


async def test_what_is_written_meanwhile_is_in_neither_checksums_nor_archive(
    postgres_database: str, tmp_path: Path
) -> None:
    """Checksums of another moment than the archive's would prove nothing."""
    connections, place = await filled(postgres_database), private(tmp_path)
    before = await sums(connections)
    written = False

    async def write(_done: float, _total: float | None, _message: str) -> None:
        nonlocal written
        if not written:
            written = True
            await execute(
                postgres_database, "DELETE FROM items WHERE id < 500; INSERT INTO log VALUES ('late', 9)"
            )

    taken = await dump(connections, NameMap(), place, write)

    assert written
    assert taken.checksums == before
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == before


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


@pytest.mark.parametrize("damage", ["flip", "cut", "swap", "missing", "note"])
async def test_a_damaged_backup_is_found_before_a_database_is_made(
    postgres_database: str, tmp_path: Path, damage: str
) -> None:
    """pg_restore alone takes a flipped bit without a word, and lists a file that was cut in half."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    file, note = place / archive.ARCHIVE, place / archive.NOTE
    content = bytearray(file.read_bytes())
    match damage:
        case "flip":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "cut":
            file.write_bytes(content[: len(content) // 2])
        case "swap":
            file.rename(place / "elsewhere")
            file.symlink_to(place / "elsewhere")
        case "missing":
            file.unlink()
        case _:
            note.write_text(note.read_text()[:-10])

    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            await load(copy, place)
        assert copy.database not in await scratch(copy)
        assert not await exists(connections, copy.database)

    assert failure.value.code == "backup-damaged"


async def test_a_damage_that_the_hash_was_adapted_to_is_found_while_restoring(
    postgres_database: str, tmp_path: Path
) -> None:
    """The second hash covers the plain content, so the unfinished database goes again."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    note = place / archive.NOTE
    told = archive.Note.model_validate_json(note.read_text())
    note.write_text(told.model_copy(update={"plain_sha256": "0" * 64}).model_dump_json())

    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            await load(copy, place)
        assert not await exists(connections, copy.database)

    assert failure.value.code == "backup-damaged"


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
        await dump(connections, NameMap(), place, kill)

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


async def test_a_backup_is_not_restored_over_a_database(postgres_database: str, tmp_path: Path) -> None:
    """Neither over the live one nor over a scratch database that holds something."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await dump(connections, NameMap(), place)
    with pytest.raises(Refused) as live:
        await load(connections, place)
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        before = await sums(copy)
        with pytest.raises(Refused) as again:
            await load(copy, place)
        assert await sums(copy) == before

    assert (live.value.code, again.value.code) == ("not-scratch", "database-exists")


async def test_a_dump_of_newer_tools_goes_into_the_server_all_the_same(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tools since 17 set a parameter that older servers do not know."""
    connections, place = await filled(postgres_database), private(tmp_path)
    newest = await client_tools.find(18)

    async def find(server: int, *, archive: int = 0) -> client_tools.ClientTools:
        assert server <= newest.major
        return newest

    monkeypatch.setattr(client_tools, "find", find)
    taken = await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums

    assert taken.tool == f"pg_dump {newest.version}"


async def test_a_restore_that_fails_half_way_takes_its_database_with_it(
    postgres_database: str, tmp_path: Path
) -> None:
    """A row that the restored check refuses stands for every error of pg_restore."""
    connections, place = await filled(postgres_database), private(tmp_path)
    await execute(
        postgres_database,
        "CREATE FUNCTION fits(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.items)';"
        "CREATE TABLE a_check (n int CHECK (fits(n))); INSERT INTO a_check VALUES (3)",
    )
    await dump(connections, NameMap(), place)
    async with scratch_copy(connections) as copy:
        with pytest.raises(Failed) as failure:
            # The rows of a_check come before those of items, so the check finds none there.
            await load(copy, place)
        assert not await exists(connections, copy.database)

    assert failure.value.code == "restore-failed"


async def test_the_password_is_on_no_command_line_and_in_no_complaint(postgres_database: str) -> None:
    """Every user of a machine can read command lines."""
    tools = await client_tools.find(await server_major(Connections(postgres_database)))
    variables = Connections(postgres_database).environment() | {"PGPASSWORD": "hunter2"}
    async with child.running(tools.dump, ["hunter2", "extra"], variables, fed=False) as pg_dump:
        assert await pg_dump.read() == b""
        assert await pg_dump.exit_code() == 1

    assert pg_dump.complaint
    assert "hunter2" not in pg_dump.complaint + pg_dump.first_error


async def exists(connections: Connections, database: str) -> bool:
    """Say whether the server has the database."""
    async with connections.session(purpose="test") as connection:
        return bool(
            await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", database)
        )


async def test_no_tools_that_are_new_enough_are_refused_by_name(postgres_database: str) -> None:
    """pg_dump refuses a newer server, so it is not even started."""
    assert await value(postgres_database, "SELECT 1") == 1
    with pytest.raises(Refused) as refusal:
        await client_tools.find(99)

    assert refusal.value.code == "client-tools-missing"
