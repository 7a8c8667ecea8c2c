"""Work on several things at once ends as a whole: with everything done, or with the first error and nothing running."""

from __future__ import annotations

import asyncio

import pytest

from skill_server.backends.mongo.backup.together import together


async def test_everything_is_done_by_so_many_at_once_and_no_more() -> None:
    """The bound keeps memory and the server's load flat."""
    running, most, done = 0, 0, list[int]()

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    await together(work, range(20), at_once=3)

    assert sorted(done) == list(range(20))
    assert most == 3


async def test_the_first_error_comes_alone_and_ends_the_others() -> None:
    """Whoever clears up afterwards must not meet somebody who still writes."""
    ended = list[int]()
    begun = asyncio.Event()

    async def work(item: int) -> None:
        if item == 0:
            await begun.wait()
            raise OSError("full")
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    with pytest.raises(OSError, match="full"):
        await together(work, range(5), at_once=2)

    assert ended == [1]


async def test_a_cancelled_caller_waits_until_nothing_runs() -> None:
    """A file that a worker still writes to could not be removed for good."""
    begun = asyncio.Event()
    ended = list[int]()

    async def work(item: int) -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.append(item)

    caller = asyncio.ensure_future(together(work, range(2), at_once=2))
    await begun.wait()
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller

    assert sorted(ended) == [0, 1]
