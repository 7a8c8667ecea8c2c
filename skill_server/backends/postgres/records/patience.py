"""Trying a batch again whose failure is passing: a lock, a deadlock, a lost connection. Every batch may be repeated."""

from collections.abc import AsyncIterator

import stamina

from skill_server.backends.postgres import failures
from skill_server.errors import MigrationError

_ATTEMPTS = 10
_WITHIN_S = 60.0
_PASSING = frozenset({failures.LOCK_NOT_AVAILABLE, failures.DEADLOCK_DETECTED})


def patiently() -> AsyncIterator[stamina.Attempt]:
    """Return attempts at a batch; the last one's failure is the caller's."""
    return stamina.retry_context(
        on=_is_passing, attempts=_ATTEMPTS, timeout=_WITHIN_S, wait_initial=0.1, wait_max=5.0
    ).__aiter__()


def _is_passing(error: Exception) -> bool:
    return isinstance(error, MigrationError) and (
        error.detail.get("sqlstate") in _PASSING or error.code == "connection-lost"
    )
