"""The one place where the driver's errors become ours; no URL, password or uncapped server text gets through."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager

import asyncpg

from skill_server.errors import Failed, MigrationError, Refused

LONGEST_TEXT = 300

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"
PERMISSION_DENIED = "42501"
_LOGIN_REFUSED = frozenset({"28000", "28P01"})
_DATABASE_MISSING = "3D000"
_DISK_FULL, _INTERNAL = "53100", "XX000"
_NO_MORE = tuple(os.strerror(number) for number in (errno.EDQUOT, errno.EFBIG))
# Class 08 and these codes mean that the session is gone (manual, appendix A).
_SESSION_ENDED = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
# Inside a session the driver raises no other OSError than these; the rest belongs to files of whoever uses it.
_IN_SESSION = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)


def capped(text: str, limit: int = LONGEST_TEXT) -> str:
    """Return text that a server sent, on one line, without control characters and at most `limit` long."""
    plain = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def sqlstate(error: BaseException) -> str:
    """Return the five-character code of a server's error, or nothing where the error is not the server's."""
    state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
    return state if isinstance(state, str) else ""


def is_connection_loss(error: BaseException) -> bool:
    """Say whether the error means that the session ended, so that the fate of its last command is open."""
    if isinstance(error, asyncpg.PostgresError):
        state = sqlstate(error)
        return state.startswith("08") or state in _SESSION_ENDED
    return isinstance(error, (asyncpg.InterfaceError, OSError, TimeoutError))


def server_text(error: BaseException) -> str:
    """Return the server's own sentence, without the detail and hint lines that may quote stored values."""
    return capped(str(error.args[0])) if error.args else type(error).__name__


def unopened(error: BaseException, database: str) -> Refused:
    """Say why no session could be opened; nothing was touched."""
    state = sqlstate(error)
    if state in _LOGIN_REFUSED:
        return Refused(
            "login-refused",
            f"PostgreSQL refused the login for database {database!r} (SQLSTATE {state})",
            help="Check the user and password in the URL's environment variable.",
        )
    if state == _DATABASE_MISSING:
        return Refused(
            "database-missing",
            f"the PostgreSQL server has no database {database!r}",
            help="Check the database name in the URL's environment variable.",
        )
    if state == PERMISSION_DENIED:
        return Refused(
            "permission-denied",
            f"the role may not connect to database {database!r}",
            help="Grant the role CONNECT on the database.",
        )
    if state:
        reason = f"SQLSTATE {state}: {server_text(error)}"
    elif isinstance(error, TimeoutError):
        reason = "no answer in time"
    else:
        # The driver's own sentences may quote parts of the URL, so only the kind of error is told.
        reason = type(error).__name__
    return Refused(
        "server-unreachable",
        f"the PostgreSQL server of database {database!r} cannot be reached ({reason})",
        help="Check that the server runs and accepts connections from here.",
    )


def failed(error: BaseException, doing: str) -> MigrationError:
    """Say what broke while `doing` something that leaves nothing behind when it breaks."""
    state = sqlstate(error)
    if state == PERMISSION_DENIED:
        return Refused(
            "permission-denied",
            f"PostgreSQL refused {doing}: {server_text(error)}",
            help="Grant the role what the message names.",
            detail={"sqlstate": state},
        )
    if is_connection_loss(error):
        return Failed(
            "connection-lost",
            f"the connection to PostgreSQL was lost during {doing}",
            help="Check that the server runs, then ask again.",
            detail={"sqlstate": state},
        )
    if _is_full(error):
        return Failed(
            "server-full",
            f"{doing} found no room on the PostgreSQL server: {server_text(error)}",
            help="Make room on the server's disk.",
            detail={"sqlstate": state},
        )
    if state:
        return Failed(
            "statement-failed",
            f"{doing} failed with SQLSTATE {state}: {server_text(error)}",
            help="Read the server's message and mend its cause.",
            detail={"sqlstate": state},
        )
    return Failed(
        "driver-failed",
        f"{doing} failed in the PostgreSQL driver ({type(error).__name__})",
        help="Report this with the type of the error.",
    )


def _is_full(error: BaseException) -> bool:
    """Say whether the server's disk is full; a quota or a limit of file size has no code of its own there."""
    state = sqlstate(error)
    if state == _DISK_FULL:
        return True
    return state == _INTERNAL and server_text(error).endswith(_NO_MORE)


@contextmanager
def wrapped(doing: str) -> Generator[None]:
    """Let no driver error out of the block; our own errors and cancellation pass."""
    try:
        yield
    except _IN_SESSION as error:
        raise failed(error, doing) from error
