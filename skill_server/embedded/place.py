"""The directory of one embedded pair: its lock, what is remembered in it, and leftovers of dead owners.

The lock is a `flock` shared by the owner and its keeper, so it is held exactly as long as one of
them lives, however they die.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from skill_server.embedded import process
from skill_server.embedded.waiting import holds
from skill_server.errors import Refused

PREFIX = "database-migration-pair-"
SWEEP_WITHIN_S = 10.0


@dataclass
class State:
    """What a pair remembers between starts; it holds passwords, so the file is for its owner alone."""

    postgres_password: str
    mongodb_password: str
    database: str = "app"
    created_databases: list[str] = field(default_factory=list[str])
    postgres_port: int = 0
    mongodb_port: int = 0
    owner: int = 0
    ready: bool = False
    kept: bool = False


class Place:
    """A directory whose lock we hold."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self.lock = lock

    def read(self) -> State | None:
        """Return what the pair remembers, or None for a new one."""
        return read_state(self.directory)

    def write(self, state: State) -> None:
        """Remember `state`, in one rename."""
        draft = self.directory / "state.json.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(state)))
        draft.replace(self.directory / "state.json")

    def release(self) -> None:
        """Let go of our share of the lock; a keeper that runs on goes on holding it."""
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def read_state(directory: Path) -> State | None:
    """Return what the pair in `directory` remembers, whoever runs it."""
    try:
        return State(**json.loads((directory / "state.json").read_text()))
    except FileNotFoundError:
        return None


def servers(directory: Path) -> dict[str, Any]:
    """Return the keeper's last word on what runs: `keeper` (pid) and `servers` (name → pid, exit_code)."""
    try:
        return json.loads((directory / "servers.json").read_text())
    except FileNotFoundError:
        return {"keeper": 0, "servers": {}}


def prepare(directory: Path, *, traversable: bool) -> Path:
    """Make a private directory, or check that the one given is private and ours to use.

    Raises:
        Refused: it belongs to somebody else, is open to others, or holds something else.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory = directory.resolve()
    about = directory.stat()
    if any(directory.iterdir()) and not (directory / "lock").exists():
        raise Refused(
            "embedded-directory-not-empty",
            "the directory given for the embedded pair holds something else",
            help="Choose an empty directory, or one that an embedded pair has used before.",
        )
    if about.st_uid != os.geteuid() or about.st_mode & 0o022:
        raise Refused(
            "embedded-directory-not-private",
            "the directory of the embedded pair can be changed by another user",
            help="Choose a directory that belongs to you alone.",
        )
    # The account that runs PostgreSQL has to pass through ours, not to list it.
    directory.chmod(0o711 if traversable else 0o700)
    return directory


def try_lock(directory: Path) -> Place | None:
    """Take the lock of `directory`, or return None while someone holds it."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return Place(directory, lock)


def make_temporary(*, traversable: bool) -> Place:
    """Make and lock a directory under the system's folder for temporary files."""
    while True:
        directory = prepare(Path(tempfile.mkdtemp(prefix=PREFIX)), traversable=traversable)
        # Another start may sweep the folder in the instant before it is locked; then the next name is as good.
        with contextlib.suppress(FileNotFoundError):
            place = try_lock(directory)
            if place is not None and (directory / "lock").exists():
                return place


async def sweep_temporary() -> None:
    """Stop and remove what owners that were killed together with their keepers left behind."""
    for leftover in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if leftover.is_symlink() or leftover.stat().st_uid != os.geteuid():
                continue
            state = read_state(leftover)
            place = try_lock(leftover)
            if place is None:
                continue
            if state is None or not state.kept:
                await sweep(leftover)
                shutil.rmtree(leftover, ignore_errors=True)
            place.release()


async def sweep(directory: Path) -> None:
    """Stop servers that run on `directory` although nobody keeps them; the lock must be ours."""
    orphans = [server["pid"] for server in servers(directory)["servers"].values()]

    def gone() -> bool:
        return not any(process.runs(pid, str(directory)) for pid in orphans)

    # PostgreSQL takes SIGTERM as "when the last client has left"; both servers take SIGINT as "now, in good order".
    for step in (signal.SIGINT, signal.SIGKILL):
        for pid in orphans:
            if process.runs(pid, str(directory)):
                process.send(pid, step)
        if await holds(gone, within_s=SWEEP_WITHIN_S):
            break
    (directory / "servers.json").unlink(missing_ok=True)
