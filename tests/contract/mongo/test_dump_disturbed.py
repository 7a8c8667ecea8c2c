"""Writers during a dump: what they do once is caught up with, and what goes on costs the promise of one moment."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.backends.mongo.backup import dump_reads, reading
from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.load import load
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.model.names import NameMap
from tests.contract.mongo.expiring import RECORDS, counted, make_sessions
from tests.contract.mongo.sample import content_of

NAMES = NameMap()
Write = Callable[[Connections, int], Awaitable[object]]


async def _insert(connections: Connections, turn: int) -> None:
    await connections.db()["items"].insert_one({"_id": f"late {turn}"})


async def _update(connections: Connections, turn: int) -> None:
    # The count stays the same, so only the content tells.
    await connections.db()["items"].update_one({"_id": 1}, {"$set": {"n": 1000 + turn}})


async def _delete(connections: Connections, turn: int) -> None:
    await connections.db()["items"].delete_one({"_id": turn})


async def _create(connections: Connections, turn: int) -> None:
    await connections.db().create_collection(f"made {turn}")


async def _drop(connections: Connections, turn: int) -> None:
    await connections.db().drop_collection(f"old {turn}")


async def _index(connections: Connections, turn: int) -> None:
    await connections.db()["items"].create_index([("n", 1), (f"part {turn}", 1)], name=f"index {turn}")


WRITES = (_insert, _update, _delete, _create, _drop, _index)


@pytest_asyncio.fixture(loop_scope="session")
async def source(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> Connections:
    """A database with documents and collections to take away; `earlier` is read first and alone."""
    monkeypatch.setattr(dump_reads, "AT_ONCE", 1)
    monkeypatch.setattr(reading, "BEHIND", 0)
    await connections.db()["earlier"].insert_many([{"_id": key} for key in range(41)])
    await connections.db()["items"].insert_many([{"_id": key, "n": key} for key in range(40)])
    for turn in range(40):
        await connections.db().create_collection(f"old {turn}")
    return connections


@pytest.mark.faults
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("moment", ["81 documents backed up", "41 documents compared"])
async def test_what_is_written_once_is_caught_up_with(
    source: Connections, copy: Connections, tmp_path: Path, write: Write, moment: str
) -> None:
    """The restored copy is the database of the one moment that the dump names, whatever was written in between."""
    turns = 0

    async def once(_done: float, _total: float | None, message: str) -> None:
        nonlocal turns
        if turns == 0 and message == moment:
            turns += 1
            await write(source, turns)

    result = await dump(source, NAMES, tmp_path, once)
    await load(copy, tmp_path)

    assert turns == 1
    assert result.checksums == await checksums(copy, NAMES)
    if result.tool == dump_reads.QUIET:
        assert result.point_in_time
        assert await content_of(copy) == await content_of(source)


@pytest.mark.faults
@pytest.mark.parametrize("write", WRITES)
async def test_what_is_written_without_end_costs_the_promise_of_one_moment(
    source: Connections, copy: Connections, tmp_path: Path, write: Write
) -> None:
    """A backup that is of no one moment must say so, because a migration refuses to rely on it."""
    turns = 0

    async def always(*_: object) -> None:
        nonlocal turns
        turns += 1
        await write(source, turns)

    result = await dump(source, NAMES, tmp_path, always)
    await load(copy, tmp_path)

    if result.tool != dump_reads.IN_SNAPSHOT:
        assert not result.point_in_time
        assert result.tool.startswith(dump_reads.NOT_POINT_IN_TIME)
    assert result.checksums == await checksums(copy, NAMES)


async def test_what_expires_while_others_are_read_costs_no_promise(
    source: Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server deletes once a minute, and a large database takes longer than that to be read twice."""
    await make_sessions(source)
    read = reading.batches

    async def expiring(
        connections: Connections, collection: str, turns: reading.Turns | None = None
    ) -> AsyncGenerator[bytes]:
        async for batch in read(connections, collection, turns):
            if collection == "items":
                await source.db()["sessions"].find_one_and_delete({})
            yield batch

    monkeypatch.setattr(reading, "batches", expiring)
    result = await dump(source, NAMES, tmp_path)

    assert await counted(source) < RECORDS
    assert result.point_in_time, result.tool


async def test_what_was_written_to_is_named_where_the_promise_is_not_given(
    source: Connections, tmp_path: Path
) -> None:
    """Who is told that no change can follow wants to know what to stop."""
    await make_sessions(source)
    turn = 0

    async def progress(_done: float, _total: float | None, _message: str) -> None:
        nonlocal turn
        turn += 1
        await _insert(source, turn)
        await source.db()["sessions"].update_one({"_id": 1}, {"$set": {"turn": turn}})

    result = await dump(source, NAMES, tmp_path, progress)

    assert not result.point_in_time
    assert result.tool.endswith("while it was read: items, sessions (its documents expire)")
