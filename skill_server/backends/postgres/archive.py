"""The files of a PostgreSQL backup: the packed archive, written under another name until it is whole, and its note."""

import asyncio
import errno
import hashlib
import io
import os
import stat
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from skill_server.errors import Failed, Refused
from skill_server.model.base import Frozen, JsonObject
from skill_server.model.receipt import BackupPart

ARCHIVE = "postgres.dump.zst"
NOTE = "postgres.json"
_PARTIAL = ".partial"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Note(Frozen):
    """What loading the archive has to know.

    `database` is the source's row of `pg_database`; `owners`, `grantees` and `bound` are the roles that own something,
    hold a privilege, or stand in a policy.
    """

    format: int = 1
    sha256: str
    size_bytes: int
    plain_sha256: str
    plain_bytes: int
    server_version: str
    tool_version: str
    tool_major: int
    encoding: str
    database: JsonObject
    public_schema: bool
    owners: tuple[str, ...]
    grantees: tuple[str, ...]
    bound: tuple[str, ...]


@contextmanager
def private_directory(directory: Path) -> Generator[int]:
    """Open a directory that nobody else may enter, and give its descriptor, which no swapped link can redirect.

    Raises:
        Refused: it is missing, a link, or open to others (`directory-not-private`).
    """
    try:
        place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _not_private(directory, "is missing, or is not a directory") from error
    try:
        if stat.S_IMODE(os.fstat(place).st_mode) & 0o077:
            raise _not_private(directory, "can be entered by other users")
        yield place
    finally:
        os.close(place)


@contextmanager
def all_or_nothing(place: int) -> Generator[None]:
    """Delete both files of the backup when the block fails.

    Raises:
        Refused: the directory has files of a backup, finished or not (`backup-exists`).
    """
    files = [name + ending for name in (ARCHIVE, NOTE) for ending in ("", _PARTIAL)]
    if there := sorted(set(files) & set(os.listdir(place))):
        raise Refused(
            "backup-exists", f"the backup directory already has {there[0]}", help="Use a new directory."
        )
    try:
        yield
    except BaseException:
        for name in files:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=place)
        raise


@asynccontextmanager
async def new_file(place: int, name: str) -> AsyncGenerator[io.FileIO]:
    """Give a new private file that gets its name when the block succeeds and every byte is on disk.

    Raises:
        Failed: there is no room (`backup-no-space`), or the file cannot be written (`backup-not-written`).
    """
    partial = name + _PARTIAL
    with _explained():
        opened = os.open(
            partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode=0o600, dir_fd=place
        )
        # Unbuffered: nothing is left that could fail for want of space when the file is closed.
        with io.FileIO(opened, "wb") as file:
            yield file
            await asyncio.to_thread(os.fsync, opened)
        os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)
        await asyncio.to_thread(os.fsync, place)


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise Failed(
                "backup-no-space",
                f"the disk of the backup directory has no room left ({os.strerror(error.errno)}); "
                "the unfinished file was deleted",
                help="Free space, or configure a backup directory on a larger disk.",
            ) from error
        raise Failed(
            "backup-not-written",
            f"a file of the backup could not be written ({type(error).__name__}: {error.strerror})",
            help="Check the backup directory's disk and permissions.",
        ) from error


def open_part(place: int, name: str) -> io.FileIO:
    """Open a file of a backup to read it; no link is followed.

    Raises:
        Failed: it is not there or not a plain file (`backup-damaged`).
    """
    try:
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except OSError as error:
        raise damaged(f"{name} cannot be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise damaged(f"{name} is no plain file")
    return io.FileIO(opened, "rb")


def damaged(what: str) -> Failed:
    """Say that the backup on disk is not what was written."""
    return Failed(
        "backup-damaged",
        f"the PostgreSQL backup is damaged: {what}",
        help="Take a new backup.",
        next_tool="backup",
    )


def part(name: str, content: bytes) -> BackupPart:
    """Describe a small file by its content."""
    return BackupPart(name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _not_private(directory: Path, why: str) -> Refused:
    return Refused(
        "directory-not-private",
        f"the backup directory {directory.name!r} {why}",
        help="Use a directory of your own with mode 0700.",
    )
