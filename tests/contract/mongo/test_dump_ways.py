"""The ways to read for a dump: in one snapshot that lasts, or twice; and what the dump says of its moment."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bson
import pytest

from skill_server.backends.mongo.backup import dump_reads, history, reading
from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.history import CAUTIOUS_BYTES_PER_S, DEFAULT_WINDOW_S
from skill_server.backends.mongo.backup.load import load
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.schema.inspect import fingerprint
from skill_server.backends.mongo.schema.listing import listing
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.model.names import EntityNames, NameMap
from tests.contract.mongo.faults import failing
from tests.contract.mongo.sample import content_of, dump_a_little, fill_with_everything

NAMES = NameMap()
SNAPSHOT_UNAVAILABLE = 246


async def _answers_true(_: Connections) -> bool:
    return True


@pytest.fixture
def isolating(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the server for one that isolates: the embedded one takes snapshot sessions and ignores the snapshot."""
    monkeypatch.setattr(dump_reads, "isolates", _answers_true)


@pytest.mark.usefixtures("isolating")
async def test_a_snapshot_session_reads_everything_in_one_pass(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """In a snapshot nothing needs to be read twice."""
    await fill_with_everything(connections)
    told = list[str]()

    async def progress(_done: float, _total: float | None, message: str) -> None:
        told.append(message)

    result = await dump(connections, NAMES, tmp_path, progress)
    await load(copy, tmp_path)

    assert (result.tool, result.point_in_time) == (dump_reads.IN_SNAPSHOT, True)
    assert not [message for message in told if "compared" in message or "twice" in message]
    assert await content_of(copy) == await content_of(connections)
    assert result.checksums == await checksums(copy, NAMES)


@pytest.mark.usefixtures("isolating")
async def test_a_schema_that_changes_beside_a_snapshot_costs_the_promise(
    connections: Connections, tmp_path: Path
) -> None:
    """Options and indexes are outside of the snapshot."""
    await connections.db()["items"].insert_one({"_id": 1})

    async def progress(*_: object) -> None:
        await connections.db()["items"].create_index("late")

    result = await dump(connections, NAMES, tmp_path, progress)

    assert (result.tool, result.point_in_time) == (dump_reads.NOT_POINT_IN_TIME, False)


@pytest.mark.usefixtures("isolating")
async def test_a_history_that_is_too_short_is_said_and_everything_read_twice(
    connections: Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot that the server forgets half-way would cost the time and give nothing."""
    monkeypatch.setattr(history, "DEFAULT_WINDOW_S", 0.0)
    told = list[str]()

    async def progress(_done: float, _total: float | None, message: str) -> None:
        told.append(message)

    await connections.db()["items"].insert_many([{"_id": key, "n": key} for key in range(20)])
    result = await dump(connections, NAMES, tmp_path, progress)

    assert result.point_in_time
    assert result.tool.startswith(dump_reads.QUIET)
    assert "keeps its history for 0 s" in result.tool
    assert "set minSnapshotHistoryWindowInSeconds to " in told[0]


@pytest.mark.faults
@pytest.mark.usefixtures("isolating")
@pytest.mark.parametrize("early", [True, False])
async def test_a_snapshot_that_the_server_lost_is_no_end(
    connections: Connections,
    copy: Connections,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    early: bool,
) -> None:
    """Files of a lost snapshot are written anew, so that no two moments are mixed."""
    monkeypatch.setattr(reading, "BEHIND", 0)
    await connections.db()["items"].insert_many([{"_id": key} for key in range(20)])
    await connections.db()["types"].insert_one({"_id": 1})

    async with AsyncExitStack() as faults:

        async def lose(*_: object) -> None:
            await faults.enter_async_context(failing(connections, "find", SNAPSHOT_UNAVAILABLE))

        async def progress(_done: float, _total: float | None, message: str) -> None:
            if not early and message == "20 documents backed up":
                await lose()
                # Once is enough; what follows reads without a snapshot.
                await connections.db()["items"].insert_one({"_id": "late"})

        if early:
            await lose()
        result = await dump(connections, NAMES, tmp_path, progress)
    await load(copy, tmp_path)

    assert result.point_in_time
    assert "lost the snapshot" in result.tool
    assert result.checksums == await checksums(copy, NAMES)


async def test_the_history_window_and_the_rate_are_asked_of_the_server(connections: Connections) -> None:
    """A database that might not fit is measured before a snapshot is begun."""
    await connections.db()["items"].insert_many([{"_id": key, "v": "x" * 500} for key in range(500)])

    assert await history.history_window_s(connections) > 0
    assert await history.measured_rate(connections, "items") > 0
    assert await history.measured_rate(connections, "nothing here") == CAUTIOUS_BYTES_PER_S
    assert (await history.forecast_of(connections, 1000, "items")).fits
    assert not (await history.forecast_of(connections, 10**18, "items")).fits
    assert DEFAULT_WINDOW_S == 300


async def test_several_collections_at_once_give_the_same_dump(
    connections: Connections, copy: Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many are read at once depends on the machine, and nothing else may."""
    monkeypatch.setattr(dump_reads, "AT_ONCE", 3)
    monkeypatch.setattr("skill_server.backends.mongo.backup.load.AT_ONCE", 3)
    await fill_with_everything(connections)

    result = await dump(connections, NAMES, tmp_path)
    await load(copy, tmp_path)

    assert await content_of(copy) == await content_of(connections)
    assert result.checksums == await checksums(connections, NAMES) == await checksums(copy, NAMES)


async def test_a_dump_says_when_it_was_taken_and_how_large_each_entity_is(
    connections: Connections, tmp_path: Path
) -> None:
    """A restore tells by it what was written since."""
    began = datetime.now(UTC)
    # Of the three the last by name, and the first that is read.
    await connections.db()["zones"].insert_many([{"_id": key} for key in range(30)])

    result = await dump_a_little(connections, tmp_path)

    assert result.moment is not None
    # The server's clock may differ from this one, though not by much on the machines of tests.
    assert abs(result.moment - began) < timedelta(minutes=5)
    assert result.sizes["items"] == sum(len(bson.encode({"_id": key, "n": key})) for key in range(20))
    assert set(result.sizes) == {"items", "types", "zones"}
    assert result.since["at"] == result.moment.isoformat()
    assert result.since["collections"] == {item.name: item.uuid for item in await listing(connections)}
    assert set(result.since) == {"cluster_time", "at", "collections"}
    assert result.fingerprint == fingerprint(await listing(connections))


async def test_sizes_and_sums_have_logical_names(connections: Connections, tmp_path: Path) -> None:
    """The core knows entities, whatever their collections are called."""
    await connections.db()["items"].insert_one({"_id": 1})
    names = NameMap(entities={"item": EntityNames(postgres="item", mongodb="items")})

    result = await dump(connections, names, tmp_path)

    assert set(result.sizes) == set(result.checksums.entities) == {"item"}
