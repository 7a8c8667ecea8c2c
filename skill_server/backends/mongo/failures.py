"""The one place where errors of the driver become errors of the product: no URL, no password, text capped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from skill_server.errors import Failed, InDoubt, Invalid, MigrationError, Refused

if TYPE_CHECKING:
    import stamina

LONGEST_TEXT = 300
RETRIES = 12
RETRY_WITHIN_S = 60.0
# Numbers of the server's error_codes.yml.
UNAUTHORIZED = 13
LOGIN_CODES = frozenset({18, 11})  # AuthenticationFailed, UserNotFound
PERMISSION_CODES = frozenset({UNAUTHORIZED, 8000})  # 8000: what Atlas answers
# Interrupted by a change of primary or by shutdown: the same call works when the server is back.
FULL_CODE = 14031  # OutOfDiskSpace
PASSING_CODES = frozenset({6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436})


def capped(text: object) -> str:
    """Return text that came from a database, on one line and short."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def is_passing(error: BaseException) -> bool:
    """Tell whether the same idempotent call may succeed a moment later."""
    from pymongo import errors

    if isinstance(error, errors.BulkWriteError):
        details = cast("Mapping[str, Any]", error.details or {})
        inner = [*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())]
        return bool(inner) and all(item.get("code") in PASSING_CODES for item in inner)
    if isinstance(error, errors.OperationFailure):
        return error.code in PASSING_CODES or error.has_error_label("RetryableWriteError")
    return isinstance(error, errors.AutoReconnect)


def patiently() -> AsyncIterator[stamina.Attempt]:
    """Yield attempts at an idempotent call, further apart each time, while what fails is passing.

    An election takes about twelve seconds (MongoDB manual, "Replica Set Elections"), so a minute outlasts one.
    """
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    # Its own hook prints to standard output, which belongs to the protocol, and would print the driver's whole text.
    set_on_retry_hooks([])
    return stamina.retry_context(on=is_passing, attempts=RETRIES, timeout=RETRY_WITHIN_S).__aiter__()


@contextmanager
def wrapped(doing: str, *, writes: bool = False) -> Generator[None]:
    """Turn whatever the driver raises inside into the product's error; `doing` completes "while …".

    With `writes` a lost answer is `InDoubt`, because the write may have happened; without it is `Refused`.
    """
    from bson.errors import BSONError
    from pymongo.errors import PyMongoError

    try:
        yield
    except (PyMongoError, BSONError) as error:
        raise translated(error, doing, writes=writes) from error


def translated(error: Exception, doing: str, *, writes: bool) -> MigrationError:
    """Return the product's error for one of the driver."""
    from pymongo import errors

    match error:
        case errors.InvalidURI() | errors.ConfigurationError():
            return Invalid(
                "url-not-valid",
                f"the driver cannot use the MongoDB URL while {doing}",
                help="Write it as mongodb://user:password@host:27017/database.",
            )
        case errors.ServerSelectionTimeoutError():
            return Refused(
                "server-unreachable",
                f"no MongoDB server that takes writes answered while {doing}",
                help="Start the server, or correct the URL and the network.",
            )
        case errors.AutoReconnect():
            return _lost(doing) if writes else _unreachable(doing)
        case errors.BulkWriteError():
            return _bulk(error, doing)
        case errors.WTimeoutError() | errors.WriteConcernError():
            return _lost(doing)
        case errors.OperationFailure():
            return _answered(error.code, _text(error), doing, writes=writes)
        case _:
            return _failed(doing, str(error))


def _text(error: Any) -> str:
    details = cast("Mapping[str, Any]", error.details or {})
    return str(details.get("errmsg") or error)


def _bulk(error: Any, doing: str) -> MigrationError:
    details: Mapping[str, Any] = error.details or {}
    written = list(details.get("writeErrors", ()))
    if not written:
        return _lost(doing)
    return _answered(written[0].get("code"), str(written[0].get("errmsg", "")), doing, writes=True)


def _answered(code: int | None, text: str, doing: str, *, writes: bool) -> MigrationError:
    if code in LOGIN_CODES:
        return Refused(
            "login-refused",
            f"the MongoDB server refused the user or password while {doing}",
            help="Correct the user, the password or authSource in the URL.",
        )
    if code in PERMISSION_CODES:
        return Refused(
            "permission-denied",
            f"the MongoDB user may not do this while {doing}: {capped(text)}",
            help="Grant the user readWrite and dbAdmin on the database.",
        )
    if code == FULL_CODE:
        return Failed(
            "server-full",
            f"{doing} found no room on the MongoDB server: {capped(text)}",
            help="Make room on the server's disk.",
        )
    if code in PASSING_CODES:
        return _lost(doing) if writes else _unreachable(doing)
    return _failed(doing, text)


def _unreachable(doing: str) -> Refused:
    return Refused(
        "server-unreachable",
        f"the connection to the MongoDB server was lost while {doing}",
        help="Wait until the server is back, then call again.",
    )


def _lost(doing: str) -> InDoubt:
    return InDoubt(
        "write-outcome-unknown",
        f"the answer to a write was lost while {doing}; it may have happened",
        help="Ask migration_status what was applied before running anything again.",
        next_tool="migration_status",
    )


def _failed(doing: str, text: str) -> Failed:
    return Failed(
        "statement-failed",
        f"the MongoDB server refused while {doing}: {capped(text)}",
        help="Correct what the server names, then plan again.",
    )
