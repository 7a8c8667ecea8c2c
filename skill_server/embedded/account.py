"""The account that PostgreSQL runs under: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from skill_server.errors import Refused


@dataclass(frozen=True)
class Account:
    """An unprivileged account that root hands PostgreSQL to."""

    user: int
    group: int

    def may_enter(self, directory: Path) -> bool:
        """Tell whether this account can pass through `directory` by its permission bits."""
        about = directory.stat()
        if about.st_uid == self.user:
            return bool(about.st_mode & stat.S_IXUSR)
        if about.st_gid == self.group:
            return bool(about.st_mode & stat.S_IXGRP)
        return bool(about.st_mode & stat.S_IXOTH)


def unprivileged() -> Account | None:
    """Return the account to change to, or None when we are not root and PostgreSQL runs as ourselves.

    Raises:
        Refused: we are root and the system has no `nobody`.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as missing:
        raise Refused(
            "embedded-no-account",
            "PostgreSQL does not run as root and this system has no account named nobody",
            help="Start the embedded pair as an ordinary user.",
        ) from missing
    return Account(entry.pw_uid, entry.pw_gid)


def check_reach(account: Account, directory: Path) -> None:
    """Check that `account` can reach `directory`; no folder is ever opened up for it.

    Raises:
        Refused: a folder above is closed to it.
    """
    closed = [parent for parent in directory.resolve().parents if not account.may_enter(parent)]
    if closed:
        raise Refused(
            "embedded-directory-closed",
            "PostgreSQL does not run as root, and a folder above the data directory is closed to other users",
            help="Choose a data directory under a folder that other users may enter, or start as an ordinary user.",
        )
