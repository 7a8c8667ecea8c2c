"""The key of the ledger's chain: made once, kept outside every project, readable by the server's user alone."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from skill_server.errors import Refused

KEY_BYTES = 32


def read_key(path: Path) -> bytes:
    """Return the key, making it on first use.

    Raises:
        Refused: the file is a link, belongs to somebody else, or others may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.path.lexists(path):
        _make(path)
    return _existing(path)


def _make(path: Path) -> None:
    """Write a new key, which appears under its name only when it is whole; another server may be faster."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(partial)
    finally:
        partial.unlink()


def _existing(path: Path) -> bytes:
    status = path.lstat()
    regular = path.is_file() and not path.is_symlink()
    if not regular or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise Refused(
            "ledger-key-exposed",
            "the ledger key file is a link, belongs to another user, or can be read by others",
            help="Give the key file to the server's user with mode 0600.",
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Refused(
            "ledger-key-damaged",
            f"the ledger key file does not hold {KEY_BYTES} bytes",
            help="Put the right key back from where it was saved.",
        )
    return key
