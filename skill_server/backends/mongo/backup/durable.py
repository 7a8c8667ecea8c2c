"""Private files that exist under their final name only when whole and on the disk, and their safe reading."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from typing_extensions import Buffer

from skill_server.backends.sealing import Seal
from skill_server.errors import Failed, Refused
from skill_server.model.receipt import BackupPart

# The fastest level: on this content it costs next to nothing beside the transfer, and level 6 gains little.
GZIP_LEVEL = 1
SEALED = ".age"
LONGEST_NAME_BYTES, CUT_NAME = 255, 200
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


def sealed_name(path: Path, seal: Seal | None) -> Path:
    """Return the name under which a file is stored: encrypted ones end in `.age`.

    Where that makes it longer than file systems allow, a hash stands for the end of the name.
    """
    if seal is None:
        return path
    name = path.name + SEALED
    if len(name.encode()) > LONGEST_NAME_BYTES:
        name = f"{path.name[:CUT_NAME]}~{hashlib.sha256(path.name.encode()).hexdigest()[:32]}{SEALED}"
    return path.with_name(name)


class StoredFile:
    """A file being written under another name until it is whole; its SHA-256 is taken as the stored bytes pass.

    It is packed where its name ends in `.gz`, and encrypted with a seal after that.
    """

    def __init__(self, path: Path, seal: Seal | None = None) -> None:
        self.path = sealed_name(path, seal)
        self._partial = _partial(self.path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._partial, flags, PRIVATE_FILE), "wb")
        self._hashing = _Hashing(self._file)
        # Closed from the inside out, each of them completes what it writes to the next.
        self._streams: list[BinaryIO] = []
        self._top: BinaryIO = cast("BinaryIO", self._hashing)
        if seal is not None:
            self._put_on_top(seal.writing(self._top))
        if path.name.endswith(".gz"):
            # No name and no time inside: equal content gives an equal file.
            packing = gzip.GzipFile(
                filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=self._top, mtime=0
            )
            self._put_on_top(cast("BinaryIO", packing))

    def _put_on_top(self, stream: BinaryIO) -> None:
        self._streams.insert(0, stream)
        self._top = stream

    def write(self, data: bytes) -> None:
        """Pack, encrypt and write."""
        self._top.write(data)

    def finish(self, root: Path, *, records: int | None = None) -> BackupPart:
        """Bring the content to the disk, give the file its name, and describe it relative to `root`.

        The name is on the disk after `sync_directory`, which needs no more than one call for all files of a directory.
        """
        for stream in self._streams:
            stream.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.rename(self.path)
        return BackupPart(
            name=self.path.relative_to(root).as_posix(),
            size_bytes=self._hashing.size,
            sha256=self._hashing.sha256.hexdigest(),
            records=records,
        )

    def discard(self) -> None:
        """Remove the unfinished file."""
        # Closing a stream writes its end, which a full disk has no room for.
        self._hashing.deaf = True
        # A writer whose disk is full fails again on closing; the file goes anyway.
        for stream in (*self._streams, self._file):
            with _ignored_full_disk():
                stream.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def _ignored_full_disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise


class _Hashing(io.RawIOBase):
    """The file below all streams: counts and hashes what reaches the disk; closing it leaves the file open."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0
        self.deaf = False

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        size = memoryview(data).nbytes
        if not self.deaf:
            self._file.write(data)
            self.sha256.update(data)
            self.size += size
        return size


def _partial(path: Path) -> Path:
    """Return the name of a file that is not whole yet; the final one may be as long as file systems allow."""
    return path.with_name(hashlib.sha256(path.name.encode()).hexdigest()[:32] + ".partial")


def write_small(path: Path, data: bytes, root: Path, seal: Seal | None = None) -> BackupPart:
    """Write a whole small file; see `StoredFile.finish`."""
    file = StoredFile(path, seal)
    try:
        file.write(data)
        return file.finish(root)
    except BaseException:
        file.discard()
        raise


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


@contextmanager
def opened(path: Path, seal: Seal | None) -> Generator[BinaryIO]:
    """Open a stored file for reading what was written before it was encrypted.

    Raises:
        OSError: it is missing, a link or not a regular file; while reading, it was changed.
    """
    with open_regular(path) as file:
        if seal is None:
            yield file
        else:
            with seal.reading(file) as plain:
                yield plain
