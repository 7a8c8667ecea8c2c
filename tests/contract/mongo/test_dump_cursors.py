"""Cursors and connections lost in the middle of a dump: no file is ever shorter than its collection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo import monitoring

from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.load import load
from skill_server.backends.mongo.backup.reading import BATCH_DOCUMENTS
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.errors import Failed
from skill_server.model.names import NameMap
from tests.contract.mongo.faults import OpenCursors, cut_connections, lost_cursors

NAMES = NameMap()
MORE_THAN_A_BATCH = BATCH_DOCUMENTS + 500


@pytest.mark.faults
async def test_a_cursor_lost_in_the_middle_leaves_no_short_file(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """The collection is written anew from its beginning."""
    await connections.db()["items"].insert_many([{"_id": key} for key in range(MORE_THAN_A_BATCH)])

    async with lost_cursors(connections, times=2):
        result = await dump(connections, NAMES, tmp_path)
    await load(copy, tmp_path)

    assert result.checksums.entities["items"].records == MORE_THAN_A_BATCH
    assert await copy.db()["items"].count_documents({}) == MORE_THAN_A_BATCH
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.faults
async def test_a_cursor_lost_every_time_leaves_no_dump(connections: Connections, tmp_path: Path) -> None:
    """A dump without an end must not lie where somebody could take it for one."""
    await connections.db()["items"].insert_many([{"_id": key} for key in range(MORE_THAN_A_BATCH)])

    async with lost_cursors(connections, times=3):
        with pytest.raises(Failed) as raised:
            await dump(connections, NAMES, tmp_path)

    assert raised.value.code == "cursor-lost"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.faults
async def test_a_cursor_killed_on_the_server_is_read_anew(
    mongo_database: str, copy: Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An administrator, or ten idle minutes, may end a cursor in the middle of a dump."""
    cursors = OpenCursors("items")
    # The driver has a way to register a listener with every client made from then on, and none to take it back.
    driver: Any = monitoring
    monkeypatch.setattr(driver, "_LISTENERS", driver._LISTENERS._replace(command_listeners=[cursors]))
    connections = Connections(mongo_database)
    killed = list[int]()

    async def kill(*_: Any) -> None:
        if cursors.found and not killed:
            killed.extend(cursors.found)
            await connections.db().command({"killCursors": "items", "cursors": cursors.found})

    try:
        await connections.db()["items"].insert_many([{"_id": key} for key in range(3 * MORE_THAN_A_BATCH)])
        result = await dump(connections, NAMES, tmp_path, kill)
    finally:
        await connections.close()
    await load(copy, tmp_path)

    assert killed
    # The read that lost its cursor was begun again.
    assert len(cursors.found) > 1
    assert result.checksums == await checksums(copy, NAMES)
    assert result.checksums.entities["items"].records == 3 * MORE_THAN_A_BATCH


@pytest.mark.faults
async def test_a_connection_cut_in_the_middle_leaves_no_short_file(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """The next connection reads the collection from its beginning."""
    await connections.db()["items"].insert_many([{"_id": key} for key in range(MORE_THAN_A_BATCH)])

    async with cut_connections(connections, "getMore", times=2):
        result = await dump(connections, NAMES, tmp_path)
    await load(copy, tmp_path)

    assert result.checksums.entities["items"].records == MORE_THAN_A_BATCH
    assert result.checksums == await checksums(copy, NAMES)
    assert not list(tmp_path.rglob("*.partial"))
