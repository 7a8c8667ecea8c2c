"""Where proven backups are copied: any place that fsspec can reach, one folder for each ledger and backup.

Errors name their kind and never their text, which may hold addresses and credentials.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

from skill_server.backup import folder, shelf
from skill_server.backup import manifest as manifests
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import Failed, MigrationError, Refused
from skill_server.model.base import digest

VARIABLE = "DATABASE_MIGRATION_BACKUP_DESTINATION"
_CHUNK_BYTES = 1024 * 1024


class _Files(Protocol):
    """What is used of an fsspec file system."""

    protocol: str | tuple[str, ...]

    def open(self, path: str, mode: str) -> BinaryIO: ...
    def makedirs(self, path: str, *, exist_ok: bool) -> None: ...
    def exists(self, path: str) -> bool: ...
    def ls(self, path: str, *, detail: bool, refresh: bool) -> list[str]: ...
    def rm(self, path: str, *, recursive: bool) -> None: ...
    def invalidate_cache(self) -> None: ...


class Destination:
    """The copies of one target's backups; every method reads or writes over the network, so call it in a thread."""

    def __init__(self, url: str, ledger_id: str) -> None:
        self._files, root = _opened(url)
        self._root = f"{root.rstrip('/')}/{ledger_id}"

    def ship(self, directory: Path, taken: BackupManifest) -> None:
        """Copy a backup, its manifest last, read every file back, and compare.

        Raises:
            Failed: it could not be copied, or what came back is something else (`backup-not-shipped`).
        """
        with _explained(), folder.opened(directory / taken.label) as place:
            self._private()
            for name, expected in taken.files.items():
                self._copy(place, taken.label, name, expected)
            content = manifests.encoded(taken)
            expected = len(content), hashlib.sha256(content).hexdigest()
            self._copy(place, taken.label, manifests.MANIFEST_FILE, expected)

    def fetch(self, label: str, proven: str, directory: Path) -> None:
        """Bring a backup back into the folder of the backups; it must be the one whose manifest has the digest.

        Raises:
            Refused: it is not there (`backup-unknown`), cannot be reached (`destination-not-reachable`), or there is
                no room for it (`backup-no-space`).
            Failed: it is not what was proven (`backup-damaged`).
        """
        taken = self._manifest(label)
        if digest(taken.content) != proven or taken.label != label:
            raise _damaged("its manifest is not the one that was proven")
        _require_room(directory, taken.size_bytes)
        with shelf.new(directory, taken.target, label) as place:
            for name, expected in taken.files.items():
                self._bring(f"{self._at(label)}/{name}", place, name, expected)
            manifests.write(taken, place)

    def remove(self, label: str) -> None:
        """Remove a copy, its manifest first, so that half of one is never taken for a backup.

        Raises:
            Refused: the place cannot be reached (`destination-not-reachable`).
        """
        at = self._at(label)
        with _reached():
            if self._files.exists(f"{at}/{manifests.MANIFEST_FILE}"):
                self._files.rm(f"{at}/{manifests.MANIFEST_FILE}", recursive=False)
            if self._files.exists(at):
                self._files.rm(at, recursive=True)

    def labels(self) -> tuple[str, ...]:
        """Return what lies there, also what was never completed.

        Raises:
            Refused: the place cannot be reached (`destination-not-reachable`).
        """
        with _reached():
            if not self._files.exists(self._root):
                return ()
            # Other servers write there as well, so what a library remembers of a listing is not asked.
            self._files.invalidate_cache()
            found = self._files.ls(self._root, detail=False, refresh=True)
        return tuple(sorted(PurePosixPath(path).name for path in found))

    def try_out(self) -> int | None:
        """Write, read and remove a small file in this place, which nobody else uses; return the free bytes if known.

        Raises:
            Refused: one of the three failed (`destination-not-reachable`).
        """
        path, content = f"{self._root}/probe", secrets.token_bytes(64)
        with _reached("written to"):
            self._private()
            self._files.makedirs(self._root, exist_ok=True)
            with self._files.open(path, "wb") as file:
                file.write(content)
        with _reached("read"), self._files.open(path, "rb") as file:
            if file.read() != content:
                raise ValueError
        with _reached("cleared of what was written"):
            free = shutil.disk_usage(self._root).free if self._is_local else None
            self._files.rm(self._root, recursive=True)
        return free

    def _at(self, label: str) -> str:
        return f"{self._root}/{label}"

    def _private(self) -> None:
        """Make the root private where it is a folder of this machine; elsewhere its owner decides who may read."""
        if self._is_local:
            folder.private_directory(Path(self._root))

    @property
    def _is_local(self) -> bool:
        return "file" in ((known := self._files.protocol), *([] if isinstance(known, str) else known))

    def _copy(self, place: int, label: str, name: str, expected: tuple[int, str]) -> None:
        path = f"{self._at(label)}/{name}"
        self._files.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
        with folder.opened_file(place, name) as file, self._files.open(path, "wb") as copy:
            while chunk := os.read(file, _CHUNK_BYTES):
                copy.write(chunk)
        hasher, size = hashlib.sha256(), 0
        with self._files.open(path, "rb") as copy:
            while chunk := copy.read(_CHUNK_BYTES):
                hasher.update(chunk)
                size += len(chunk)
        if (size, hasher.hexdigest()) != expected:
            raise _not_shipped(f"{name} came back with another content")

    def _manifest(self, label: str) -> BackupManifest:
        path = f"{self._at(label)}/{manifests.MANIFEST_FILE}"
        with _reached():
            if not self._files.exists(path):
                raise Refused(
                    "backup-unknown",
                    "no such backup is on this machine or at the destination",
                    help="Call backup.",
                    next_tool="backup",
                )
            with self._files.open(path, "rb") as file:
                return manifests.decoded(file.read())

    def _bring(self, path: str, place: Path, name: str, expected: tuple[int, str]) -> None:
        target = place / name
        if not target.resolve().is_relative_to(place.resolve()):
            raise _damaged("a file of it would lie outside of its folder")
        folder.private_directory(target.parent, within=place.resolve())
        hasher, size = hashlib.sha256(), 0
        opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with _reached(), os.fdopen(opened, "wb") as file, self._files.open(path, "rb") as copy:
            while chunk := copy.read(_CHUNK_BYTES):
                hasher.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(opened)
        if (size, hasher.hexdigest()) != expected:
            raise _damaged(f"{name} was changed at the destination")


def _opened(url: str) -> tuple[_Files, str]:
    try:
        # It has no types; what is used of it is named above.
        from fsspec import core  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise Refused(
            "destination-not-installed",
            "copying backups to a destination needs the extra `remote`",
            help="Ask the person to run: pip install 'database-migration-skill[remote]'.",
        ) from error
    library: Any = core
    with _border(_not_usable):
        files, root = library.url_to_fs(url)
    return files, root


def _require_room(directory: Path, wanted: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < wanted:
        raise Refused(
            "backup-no-space",
            f"the backup needs {wanted >> 20} MiB and the disk of the backup folder has {free >> 20} MiB free",
            help="Free space, or configure a backup directory on a larger disk.",
            detail={"needed_bytes": wanted, "free_bytes": free},
        )


@contextmanager
def _border(tell: Callable[[str], MigrationError]) -> Generator[None]:
    """Make an error of this product out of every one that the destination's library raises.

    Each protocol has a library with errors of its own (of botocore, google-auth, aiohttp, paramiko …) that share no
    class but `Exception`, so nothing narrower meets all of them. None is swallowed: the call fails, and names the kind.
    """
    try:
        yield
    except MigrationError:
        raise
    except Exception as error:  # noqa: BLE001 - the border to libraries that a URL chooses, for the reason above
        # Its text may hold the URL, so it is not shown as the cause; a debugger finds it as the context.
        raise tell(_kind(error)) from None


def _explained() -> AbstractContextManager[None]:
    return _border(_not_shipped)


def _reached(doing: str = "used") -> AbstractContextManager[None]:
    return _border(
        lambda kind: Refused(
            "destination-not-reachable",
            f"the destination of the backups cannot be {doing} ({kind})",
            help="Check the network and the credentials of the destination, then call again.",
        )
    )


def _not_usable(kind: str) -> Refused:
    return Refused(
        "destination-not-usable",
        f"fsspec cannot open what {VARIABLE} names ({kind})",
        help="Install fsspec's library for that protocol, or mend the URL.",
    )


def _kind(error: Exception) -> str:
    found = type(error)
    name = found.__name__ if found.__module__ == "builtins" else f"{found.__module__}.{found.__name__}"
    number = f" {os.strerror(error.errno)}" if isinstance(error, OSError) and error.errno else ""
    return f"{name}{number}"


def _not_shipped(why: str) -> Failed:
    return Failed(
        "backup-not-shipped",
        f"the backup could not be copied to its destination: {why}; it is on this machine, but does not count",
        help="Mend the destination, then call backup again.",
        next_tool="backup",
    )


def _damaged(what: str) -> Failed:
    return Failed(
        "backup-damaged",
        f"the copy of the backup at its destination is damaged: {what}",
        help="Choose another backup.",
        next_tool="migration_status",
    )
