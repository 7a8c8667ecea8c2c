"""Folders and files of backups: for the owner alone, and never reached through a link that somebody put in the way."""

import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from skill_server.errors import Refused

_CHUNK_BYTES = 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def private_directory(path: Path, *, within: Path | None = None) -> Path:
    """Make a folder for the owner alone, or check that an existing one is.

    The way from `within`, a resolved folder, must not pass through a link either: backups hold every value.

    Raises:
        Refused: it is a link, no folder, somebody else's, or open to others (`directory-not-private`).
    """
    linked = within is not None and path.is_relative_to(within) and path.parent.resolve() != path.parent
    if linked or path.is_symlink() or (path.exists() and not path.is_dir()):
        raise _not_private(path, "is no folder, or a link leads there")
    # Folders above that are missing are made private as well: whoever may write there could swap what is below.
    for above in reversed([folder for folder in path.parents if not folder.exists()]):
        above.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    with opened(path):
        return path


def new_directory(path: Path) -> Path:
    """Make a folder for the owner alone that nobody else can have made before.

    Raises:
        Refused: something is there already (`directory-not-private`).
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError as error:
        raise _not_private(path, "is there already") from error
    return path


@contextmanager
def opened(path: Path) -> Generator[int]:
    """Open a folder and give its descriptor, which no link that is put there later can redirect.

    Raises:
        Refused: it is missing, a link, no folder, somebody else's, or open to others (`directory-not-private`).
    """
    try:
        place = os.open(path, _FOLDER)
    except OSError as error:
        raise _not_private(path, "is no folder, or a link leads there") from error
    try:
        status = os.fstat(place)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise _not_private(path, "belongs to another user or can be read by others")
        yield place
    finally:
        os.close(place)


@contextmanager
def opened_file(place: int, name: str) -> Generator[int]:
    """Open a plain file below an open folder to read it; no part of its way may be a link.

    Raises:
        OSError: it is not there, no plain file, or behind a link.
    """
    *above, last = PurePosixPath(name).parts
    with ExitStack() as stack:
        for folder in above:
            place = os.open(folder, _FOLDER, dir_fd=place)
            stack.callback(os.close, place)
        file = os.open(last, _FILE, dir_fd=place)
        stack.callback(os.close, file)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise FileNotFoundError(name)
        yield file


def read_bytes(place: int, name: str) -> bytes:
    """Read a small file below an open folder.

    Raises:
        OSError: as `opened_file`.
    """
    with opened_file(place, name) as file, os.fdopen(os.dup(file), "rb") as stream:
        return stream.read()


def size_and_hash(place: int, name: str) -> tuple[int, str]:
    """Return the size and the SHA-256 of a file below an open folder.

    Raises:
        OSError: as `opened_file`.
    """
    hasher = hashlib.sha256()
    size = 0
    with opened_file(place, name) as file:
        while chunk := os.read(file, _CHUNK_BYTES):
            hasher.update(chunk)
            size += len(chunk)
    return size, hasher.hexdigest()


def write_new(place: int, name: str, content: bytes) -> None:
    """Write a small file that is whole and on the disk before it has its name."""
    partial = f"{name}.partial"
    opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=place)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(opened)
    os.rename(partial, name, src_dir_fd=place, dst_dir_fd=place)
    os.fsync(place)


def rename(parent: Path, before: str, after: str) -> None:
    """Give a folder another name, durably."""
    with opened(parent) as place:
        os.rename(before, after, src_dir_fd=place, dst_dir_fd=place)
        os.fsync(place)


def _not_private(path: Path, why: str) -> Refused:
    return Refused(
        "directory-not-private", f"the folder {path.name} {why}", help="Make it a real folder with mode 0700."
    )
