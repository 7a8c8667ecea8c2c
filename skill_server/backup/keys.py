"""The key of encrypted backups: an identity file as `age` knows it, of the server's owner, outside of every project."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from skill_server.errors import Refused

if TYPE_CHECKING:
    from skill_server.backup.sealing import AgeSeal

VARIABLE = "DATABASE_MIGRATION_BACKUP_KEY_FILE"
_MOST_BYTES = 64 * 1024


def seal(path: Path | None) -> "AgeSeal":
    """Return the seal of a key file.

    Raises:
        Refused: no file is named or it is not there (`backup-key-missing`), others can read it
            (`backup-key-exposed`), it holds no key (`backup-key-damaged`), or the extra is not installed
            (`encryption-not-installed`).
    """
    if path is None:
        raise _missing(f"the environment variable {VARIABLE} is not set")
    text = _owned_text(path)
    try:
        from pyrage import IdentityError, x25519
    except ImportError as error:
        raise _not_installed() from error
    from skill_server.backup.sealing import AgeSeal

    lines = [line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith("#")]
    try:
        identities = [x25519.Identity.from_str(line) for line in lines]
    except IdentityError as error:
        raise _damaged() from error
    if not identities:
        raise _damaged()
    return AgeSeal(identities)


def unopened(label: str, why: str) -> Refused:
    """Say that an encrypted backup cannot be opened; a new key would not help."""
    return Refused(
        "backup-key-missing",
        f"backup {label} is encrypted, and {why}",
        help=f"Ask the person to name the file with the key that it was encrypted with in {VARIABLE}, and start the "
        "server anew.",
    )


def create(path: Path) -> str:
    """Make a key file with mode 0600 and return the public key; an existing file is never replaced.

    Raises:
        Refused: something is there already (`backup-key-exists`), or the extra is not installed.
    """
    try:
        from pyrage import x25519
    except ImportError as error:
        raise _not_installed() from error
    identity = x25519.Identity.generate()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise Refused(
            "backup-key-exists", f"{path.name} is there already", help="Name another file, or use this one."
        ) from error
    public = str(identity.to_public())
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"# created: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n# public key: {public}\n{identity}\n")
        file.flush()
        os.fsync(descriptor)
    return public


def _owned_text(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise _missing("the key file of the backups is not there") from error
    except OSError as error:
        raise _exposed() from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise _exposed()
        content = file.read(_MOST_BYTES)
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as error:
        raise _damaged() from error


def _missing(why: str) -> Refused:
    return Refused(
        "backup-key-missing",
        f"encrypted backups need a key, and {why}",
        help=f"Make one with `database-migration backup-key FILE`, save it, and name it in {VARIABLE}.",
    )


def _exposed() -> Refused:
    return Refused(
        "backup-key-exposed",
        "the key file of the backups is a link, belongs to another user, or can be read by others",
        help="Give the key file to the server's user with mode 0600.",
    )


def _damaged() -> Refused:
    return Refused(
        "backup-key-damaged",
        "the key file of the backups holds no key of age that begins with AGE-SECRET-KEY-1",
        help="Put the right key file back from where it was saved.",
    )


def _not_installed() -> Refused:
    return Refused(
        "encryption-not-installed",
        "encrypted backups need the extra `encryption`",
        help="Ask the person to run: pip install 'database-migration-skill[encryption]'.",
    )
