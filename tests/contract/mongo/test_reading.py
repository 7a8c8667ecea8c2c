"""Reading collections side by side: whose turn it is, and what is fetched ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from skill_server.backends.mongo.backup import reading
from skill_server.backends.mongo.backup.reading import Turns, batches, open_snapshot, read_ahead
from skill_server.backends.mongo.connection import Connections

SOON_S = 0.2


async def test_reads_of_one_session_wait_for_each_other(connections: Connections) -> None:
    """The driver allows a session one operation at a time."""
    for name in ("items", "types"):
        await connections.db()[name].insert_many([{"_id": key} for key in range(5)])

    async with open_snapshot(connections) as session:
        turns = Turns(session, at_once=2)
        first, second = (batches(connections, name, turns) for name in ("items", "types"))
        async with aclosing(first), aclosing(second):
            assert await anext(first)
            waiting = asyncio.ensure_future(anext(second))
            await asyncio.wait([waiting], timeout=SOON_S)
            assert not waiting.done()

            assert await anext(first, None) is None
            assert await asyncio.wait_for(waiting, 10)


async def test_what_is_fetched_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where summing is slower than the server, the memory must not fill with what waits for it."""
    monkeypatch.setattr(reading, "AHEAD_BYTES", 30)
    fetched = list[int]()

    async def server() -> AsyncGenerator[bytes]:
        for turn in range(20):
            fetched.append(turn)
            yield bytes(10)

    found = 0
    async with aclosing(server()) as reader, aclosing(read_ahead(reader)) as ahead:
        async for batch in ahead:
            found += len(batch)
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(fetched) <= found // 10 + 3

    assert found == 200


async def test_an_error_of_the_reader_comes_after_what_was_read() -> None:
    """Nothing that arrived is lost to it, and nobody waits for ever for what does not come."""

    async def server() -> AsyncGenerator[bytes]:
        yield b"one"
        yield b"two"
        raise ConnectionError

    found = list[bytes]()

    async def read() -> None:
        async with aclosing(server()) as reader, aclosing(read_ahead(reader)) as ahead:
            async for batch in ahead:
                found.append(batch)

    with pytest.raises(ConnectionError):
        await read()

    assert found == [b"one", b"two"]
