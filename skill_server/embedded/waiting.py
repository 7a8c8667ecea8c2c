"""Waiting with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from skill_server.errors import Failed

POLL_S = 0.02


async def holds(condition: Callable[[], bool], *, within_s: float) -> bool:
    """Poll until `condition` holds; tell whether it did in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


async def until(condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Poll until `condition` holds.

    Raises:
        Failed: it did not hold in time; `what` names in the message what was waited for.
    """
    if not await holds(condition, within_s=within_s):
        raise Failed(
            "embedded-timeout",
            f"{what} took more than {within_s:.0f} s",
            help="Read the server's log in the directory of the pair, then start it again.",
        )
