"""The one tree of errors, grouped by what is now true of the database.

MigrationError
├── Refused    a precondition is not met; nothing was touched
├── Invalid    the input makes no sense; nothing was touched
├── Conflict   the world moved: drift, a stale plan, a lock held by another; nothing was touched
├── Failed     something broke; what had been done was undone
└── InDoubt    the outcome is unknown; do not retry blindly
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class MigrationError(Exception):
    """A failure that a reader can act on.

    `code` is a stable id, `message` a lower-case fact that names the object, `help` one imperative sentence, and
    `next_tool` with `next_args` the call that mends it. None of them ever holds a URL or a password.
    """

    state: ClassVar[str] = "unknown"

    def __init__(
        self,
        code: str,
        message: str,
        *,
        help: str,
        next_tool: str | None = None,
        next_args: Mapping[str, Any] | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.next_tool = next_tool
        self.next_args = dict(next_args or {})
        self.detail = dict(detail or {})

    def __str__(self) -> str:
        return f"{self.code}: {self.message}. {self.help}"


class Refused(MigrationError):
    """A precondition is not met; nothing was touched."""

    state = "untouched"


class Invalid(MigrationError):
    """The input makes no sense; nothing was touched."""

    state = "untouched"


class Conflict(MigrationError):
    """The database is not where the caller believes it to be; nothing was touched."""

    state = "untouched"


class Failed(MigrationError):
    """Something broke half-way; what had been done was undone."""

    state = "undone"


class InDoubt(MigrationError):
    """The outcome is not known; a blind retry could make it worse."""

    state = "in_doubt"
