"""The files of a PostgreSQL backup, each written under another name until it is whole.

`postgres.dump.zst` is an archive of pg_dump in its custom format; the rows of large tables lie beside it as
`postgres-0001.copy.zst` and so on, the text of COPY; `postgres.json` is the note that tells which rows of which columns
those are. Everything but the note is packed with zstd, and sealed where the project asks for it.

It can be restored without this program. Unseal the files, create the database with the note's encoding, and run:

    zstd -dc postgres.dump.zst > archive && pg_restore --section=pre-data -d copy archive
    pg_restore --section=data -d copy archive
    zstd -dc postgres-0001.copy.zst | psql -d copy -c "COPY schema.table (columns of the note) FROM STDIN"
    pg_restore --section=post-data -d copy archive

with PGCLIENTENCODING set to the note's encoding, and COPY once for each of the note's `parts`.
"""

import asyncio
import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from pydantic import Field, ValidationError

from skill_server.errors import Failed, Refused
from skill_server.model.base import Frozen, JsonObject
from skill_server.model.receipt import BackupPart

ARCHIVE = "postgres.dump.zst"
NOTE = "postgres.json"
_LARGEST_NOTE = 1 << 24
_PARTIAL = ".partial"
_PART = re.compile(r"^postgres-[0-9]{4,6}\.copy\.zst$")
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Source(Frozen):
    """What a backup's database was like.

    `database` is its row of `pg_database`; `owners`, `grantees` and `bound` are the roles that own something, hold a
    privilege, or stand in a policy; an extension is its name and version. `event_triggers` says whether there are any.
    """

    server_version: str
    encoding: str
    database: JsonObject
    public_schema: bool
    extensions: tuple[str, ...] = ()
    event_triggers: bool = False
    owners: tuple[str, ...]
    grantees: tuple[str, ...]
    bound: tuple[str, ...]


class Stored(Frozen):
    """A file of the backup: what lies on the disk, packed and perhaps sealed, and the plain stream inside."""

    sha256: str
    size_bytes: int
    plain_sha256: str
    plain_bytes: int


class TablePart(Stored):
    """Rows of a table that left the archive: the text of COPY, in the encoding of the database."""

    name: str = Field(pattern=_PART.pattern)
    schema_name: str
    table: str
    columns: tuple[str, ...]
    records: int


class Note(Source, Stored):
    """What loading the backup has to know; as a file it is that of the archive. It is never sealed: it has no rows."""

    format: int = 2
    tool_version: str
    tool_major: int
    parts: tuple[TablePart, ...] = ()


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
    """Delete every file of the backup when the block fails.

    Raises:
        Refused: the directory has files of a backup, finished or not (`backup-exists`).
    """
    if there := _ours(place):
        raise Refused(
            "backup-exists", f"the backup directory already has {there[0]}", help="Use a new directory."
        )
    try:
        yield
    except BaseException:
        for name in _ours(place):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=place)
        raise


def part_name(number: int) -> str:
    """Return the name of a part; names of tables stay in the note."""
    return f"postgres-{number:04}.copy.zst"


def _ours(place: int) -> list[str]:
    plain = ((name, name.removesuffix(_PARTIAL)) for name in os.listdir(place))
    return sorted(name for name, whole in plain if whole in {ARCHIVE, NOTE} or _PART.fullmatch(whole))


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


def read_note(place: int) -> Note:
    """Return the note of the backup in a directory.

    Raises:
        Failed: it is not there or cannot be read (`backup-damaged`).
    """
    with open_part(place, NOTE) as file:
        text = file.read(_LARGEST_NOTE)
    try:
        return Note.model_validate_json(text)
    except ValidationError as error:
        raise damaged(f"{NOTE} cannot be read") from error


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
