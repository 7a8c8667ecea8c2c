"""Private files that exist under their final name only when whole and on the disk, and their safe reading."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from skill_server.errors import Failed, Refused
from skill_server.model.receipt import BackupPart

# The fastest level: on this content it costs next to nothing beside the transfer, and level 6 gains little.
GZIP_LEVEL = 1
PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700
READ_BYTES = 1024 * 1024
# Room for indexes' and options' descriptions, which the server's numbers leave out.
SPARE_BYTES = 4 * 1024 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})


@contextmanager
def out_of_space() -> Generator[None]:
    """Turn a full disk, quota or file size limit into `backup-no-space`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise Failed(
            "backup-no-space",
            f"the disk of the backup is full ({os.strerror(error.errno)}); what was written is removed",
            help="Free space or name another backup directory, then back up again.",
        ) from error


def require_space(directory: Path, needed_bytes: int) -> None:
    """Refuse a dump that will not fit.

    Raises:
        Refused: less is free than needed (`backup-no-space`).
    """
    free = shutil.disk_usage(directory).free
    if free < needed_bytes + SPARE_BYTES:
        raise Refused(
            "backup-no-space",
            f"the backup needs up to {needed_bytes + SPARE_BYTES} bytes and {free} are free",
            help="Free space or name another backup directory, then back up again.",
        )


class GzipFile:
    """A gzip file being written under another name until it is whole; its SHA-256 is taken as the bytes pass."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = _partial(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._partial, flags, PRIVATE_FILE), "wb")
        self._hashing = _Hashing(self._file)
        # No name and no time inside: equal content gives an equal file.
        self._gzip = gzip.GzipFile(
            filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=self._hashing, mtime=0
        )

    def write(self, data: bytes) -> None:
        """Compress and write."""
        self._gzip.write(data)

    def finish(self, root: Path, *, records: int | None = None) -> BackupPart:
        """Bring everything to the disk, give the file its name, and describe it relative to `root`."""
        self._gzip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.rename(self.path)
        sync_directory(self.path.parent)
        return BackupPart(
            name=self.path.relative_to(root).as_posix(),
            size_bytes=self._hashing.size,
            sha256=self._hashing.sha256.hexdigest(),
            records=records,
        )

    def discard(self) -> None:
        """Remove the unfinished file."""
        # Closing the gzip stream would write its trailer, which a full disk has no room for.
        self._hashing.deaf = True
        self._gzip.close()
        # A writer whose disk is full fails again on closing; the file goes anyway.
        with _ignored_full_disk():
            self._file.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def _ignored_full_disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise


class _Hashing:
    """The file below gzip: counts and hashes what reaches the disk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.deaf = False

    def write(self, data: bytes) -> int:
        if not self.deaf:
            self._file.write(data)
            self.sha256.update(data)
            self.size += len(data)
        return len(data)

    def flush(self) -> None:
        if not self.deaf:
            self._file.flush()


def _partial(path: Path) -> Path:
    """Return the name of a file that is not whole yet; the final one may be as long as file systems allow."""
    return path.with_name(hashlib.sha256(path.name.encode()).hexdigest()[:32] + ".partial")


def write_small(path: Path, data: bytes, root: Path) -> BackupPart:
    """Write a whole small gzip file durably."""
    file = GzipFile(path)
    try:
        file.write(data)
        return file.finish(root)
    except BaseException:
        file.discard()
        raise


def write_plain(path: Path, data: bytes, root: Path) -> BackupPart:
    """Write a whole small file as it is, durably."""
    partial = _partial(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(partial, flags, PRIVATE_FILE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
    return BackupPart(
        name=path.relative_to(root).as_posix(), size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )


def sync_directory(directory: Path) -> None:
    """Bring a directory's list of names to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_regular(path: Path) -> BinaryIO:
    """Open a file of a backup for reading, never through a link.

    Raises:
        OSError: it is missing, a link, or not a regular file.
    """
    # A pipe would block the opening until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def sha256_of(path: Path) -> tuple[int, str]:
    """Return the size and SHA-256 of a file that is not a link."""
    total, found = 0, hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(READ_BYTES):
            total += len(block)
            found.update(block)
    return total, found.hexdigest()
