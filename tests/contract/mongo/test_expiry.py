"""Documents that a server deletes by their age: none in a copy, none of what was put aside, and live as before."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Int64
from pymongo.errors import OperationFailure

from skill_server.backends.mongo import expiry
from skill_server.backends.mongo.backup import scratch
from skill_server.backends.mongo.backup.dump import dump
from skill_server.backends.mongo.backup.load import load
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.operations import run_raw
from skill_server.backends.mongo.operations.catalog import create_index
from skill_server.backends.mongo.operations.collections import rename
from skill_server.backends.mongo.operations.operations import RenameCollection, RunCommand
from skill_server.backends.mongo.restore import replace, replaceable, replacement
from skill_server.backends.mongo.schema.inspect import fingerprint
from skill_server.backends.mongo.schema.listing import listing
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.errors import Refused
from skill_server.model.names import NameMap
from tests.contract.mongo.expiring import LIVES_S, RECORDS, age, counted, make_sessions, swept, time_of


async def no_mark(_session: object) -> None:
    """Stand in for the mark of a step that is not written here."""


async def test_nothing_expires_in_a_restored_copy_nor_in_a_copy_of_it(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """A proof or rehearsal may come hours after the backup, and its content must be that of the backup then."""
    await make_sessions(connections)
    result = await dump(connections, NameMap(), tmp_path)
    rehearsal = connections.at(f"{copy.database}_2")
    try:
        await load(copy, tmp_path)
        await scratch.copy_from(rehearsal, copy.database)
        for each in (copy, rehearsal):
            assert await checksums(each, NameMap()) == result.checksums
            assert fingerprint(await listing(each)) == result.fingerprint
        for each in (connections, copy, rehearsal):
            await age(each)

        await swept(connections)

        assert [await counted(each) for each in (connections, copy, rehearsal)] == [0, RECORDS, RECORDS]
    finally:
        await connections.client().drop_database(rehearsal.database)


async def test_what_expires_in_a_copy_of_another_time_is_seen(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """Holding the times must not make two different ones look equal."""
    await make_sessions(connections)
    result = await dump(connections, NameMap(), tmp_path)
    await load(copy, tmp_path)

    await run_raw.run(_retimed(LIVES_S + 1), copy, no_mark)

    assert fingerprint(await listing(copy)) != result.fingerprint
    await run_raw.run(_retimed(LIVES_S), copy, no_mark)
    assert fingerprint(await listing(copy)) == result.fingerprint


def _retimed(after: int) -> RunCommand:
    change = {"keyPattern": {"at": 1}, "expireAfterSeconds": after}
    return RunCommand(command_json=json.dumps({"collMod": "sessions", "index": change}))


async def test_what_a_migration_lets_expire_is_held_in_a_copy(
    connections: Connections, copy: Connections
) -> None:
    """A rehearsed way back that builds such an index again would delete what it is compared with."""
    await make_sessions(connections)
    await scratch.copy_from(copy, connections.database)
    index = {"key": {"at": 1}, "name": "by at", "expireAfterSeconds": LIVES_S}
    for each in (connections, copy):
        await each.db()["sessions"].drop_index("by at")
        assert "expireAfterSeconds" not in str((await listing(each))[0].indexes)
        await create_index(each, "sessions", {**index, "expireAfterSeconds": 2 * LIVES_S})
        await rename(each, RenameCollection(collection="sessions", to="visits", options_json="{}"))
        raw = '{"createIndexes": "visits", "indexes": [{"key": {"seen": 1}, "name": "s", "expireAfterSeconds": 1}]}'
        await run_raw.run(RunCommand(command_json=raw), each, no_mark)

    assert fingerprint(await listing(copy)) == fingerprint(await listing(connections))
    for each in (connections, copy):
        await age(each, "visits")
    await swept(connections)
    assert (await counted(connections, "visits"), await counted(copy, "visits")) == (0, RECORDS)


async def test_the_kind_of_number_that_a_time_is_makes_no_other_schema(connections: Connections) -> None:
    """A server writes what it is told to change as a long, so that every restore would look like a drift."""
    await make_sessions(connections)
    described = fingerprint(await listing(connections))

    for same in (Int64(LIVES_S), float(LIVES_S)):
        await connections.db()["sessions"].drop_index("by at")
        await connections.db()["sessions"].create_index("at", name="by at", expireAfterSeconds=same)
        assert fingerprint(await listing(connections)) == described


async def test_an_index_of_another_time_is_refused_in_a_copy_as_it_is_live(
    connections: Connections, copy: Connections
) -> None:
    """A rehearsal must not pass where the live run fails."""
    await make_sessions(connections)
    await scratch.copy_from(copy, connections.database)
    other = {"key": {"at": 1}, "name": "by at", "expireAfterSeconds": LIVES_S + 1}

    for each in (connections, copy):
        with pytest.raises(OperationFailure):
            await create_index(each, "sessions", other)
        await create_index(each, "sessions", {**other, "expireAfterSeconds": LIVES_S})


async def test_a_copy_lets_documents_expire_when_it_is_told_to(
    connections: Connections, copy: Connections
) -> None:
    """The project's tests make their indexes at their start, which fails where one of another time is there."""
    await make_sessions(connections)
    await scratch.copy_from(copy, connections.database)
    described = fingerprint(await listing(copy))

    await expiry.let_expire(copy)
    await expiry.let_expire(copy)

    await copy.db()["sessions"].create_index("at", name="by at", expireAfterSeconds=LIVES_S)
    assert fingerprint(await listing(copy)) == described
    await age(copy)
    await swept(connections)
    assert await counted(copy) == 0


async def test_a_restore_brings_the_times_back_and_holds_what_it_puts_aside(
    connections: Connections, copy: Connections
) -> None:
    """What is put aside stays until a person drops it; what is live expires as the application asked."""
    await make_sessions(connections)
    await scratch.copy_from(copy, connections.database)
    described = fingerprint(await listing(connections))
    await replaceable.require_replaceable(connections, copy.database)

    await replace.replace_with(connections, copy.database)
    (aside,) = await _aside(connections)
    for collection in ("sessions", aside):
        await age(connections, collection)
    await swept(connections)

    assert (await counted(connections), await counted(connections, aside)) == (RECORDS, RECORDS)
    assert fingerprint(await listing(connections)) == described

    await expiry.let_expire(connections)
    await swept(connections)

    assert (await counted(connections), await counted(connections, aside)) == (0, RECORDS)
    assert fingerprint(await listing(connections)) == described
    assert await time_of(connections) == LIVES_S


async def test_the_time_of_what_was_put_aside_is_noted_for_whoever_puts_it_back(
    connections: Connections, copy: Connections
) -> None:
    """The page for emergencies names the command, and the time is known nowhere else."""
    await make_sessions(connections)
    await scratch.copy_from(copy, connections.database)
    await replace.replace_with(connections, copy.database)
    await expiry.let_expire(connections)

    (aside,) = await _aside(connections)

    (note,) = await connections.db()[expiry.NOTES].find().to_list(None)
    assert note == {"_id": {"collection": aside, "index": "by at"}, "expireAfterSeconds": LIVES_S}
    # Dropped by a person, it is forgotten by the next restore.
    await connections.db()[aside].drop()
    await expiry.let_expire(connections)
    assert await expiry.notes(connections) == {}


class _CrashError(Exception):
    """The process ends here."""


@pytest.mark.faults
@pytest.mark.parametrize("crash_after", range(6))
async def test_a_crash_between_two_notes_loses_no_time(
    connections: Connections, copy: Connections, crash_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time that is held and noted nowhere would be lost for good."""
    await make_sessions(connections)
    await scratch.copy_from(copy, connections.database)
    described = fingerprint(await listing(connections))
    left = crash_after

    def counted_down(function: Any) -> Any:
        async def step(*args: Any) -> Any:
            nonlocal left
            if left == 0:
                raise _CrashError
            left -= 1
            return await function(*args)

        return step

    with monkeypatch.context() as patched:
        for name in ("_note", "_set", "_forget"):
            patched.setattr(expiry, name, counted_down(getattr(expiry, name)))
        with pytest.raises(_CrashError):
            await replace.replace_with(connections, copy.database)

    await replace.replace_with(connections, copy.database)
    (aside,) = await _aside(connections)
    assert await time_of(connections, aside) == await time_of(connections) == expiry.NEVER
    await expiry.let_expire(connections)

    assert await time_of(connections) == LIVES_S
    assert fingerprint(await listing(connections)) == described
    assert await expiry.notes(connections) == {(aside, "by at"): LIVES_S}


async def test_what_a_crash_left_noted_is_not_taken_for_the_next_of_the_name(
    connections: Connections, copy: Connections
) -> None:
    """A name is used again, and its old time is none of the new collection's."""
    await make_sessions(connections)
    await scratch.copy_from(copy, connections.database)
    await copy.db()["visits"].create_index("at", name="by at", expireAfterSeconds=expiry.NEVER)

    await rename(copy, RenameCollection(collection="sessions", to="moved", options_json="{}"))
    await expiry.carry(copy, "moved", copy, "sessions")
    await rename(copy, RenameCollection(collection="visits", to="sessions", options_json="{}"))

    indexes = {item.name: item.indexes for item in await listing(copy)}
    assert [index.get("expireAfterSeconds") for index in indexes["sessions"]] == [None, expiry.NEVER]


async def _aside(connections: Connections) -> list[str]:
    names = await connections.db().list_collection_names()
    return [name for name in names if name.startswith(replacement.ASIDE_PREFIX)]


async def test_a_collection_that_expires_as_a_whole_does_not_in_a_copy(
    connections: Connections, copy: Connections, tmp_path: Path
) -> None:
    """A time series and a clustered collection have their time in their options."""
    await _make_whole(connections)
    result = await dump(connections, NameMap(), tmp_path)

    await load(copy, tmp_path)

    async for made in await copy.db().list_collections():
        assert "expireAfterSeconds" not in made["options"]
    assert fingerprint(await listing(copy)) == result.fingerprint
    assert (await listing(copy))[0].options["expireAfterSeconds"] == LIVES_S


async def test_a_whole_time_that_this_server_does_not_give_back_is_refused_beforehand(
    connections: Connections, copy: Connections
) -> None:
    """What no longer expires after a restore would fill the disk, and nobody would know why."""
    await connections.db().create_collection(
        "events", clusteredIndex={"key": {"_id": 1}, "unique": True}, expireAfterSeconds=LIVES_S
    )
    await scratch.copy_from(copy, connections.database)
    described = fingerprint(await listing(connections))

    told = None
    try:
        await replaceable.require_replaceable(connections, copy.database)
    except Refused as refusal:
        told = refusal.message

    if told is not None:
        assert "events would lose options" in told
        return
    await replace.replace_with(connections, copy.database)
    await expiry.let_expire(connections)
    assert (await connections.db()["events"].options())["expireAfterSeconds"] == LIVES_S
    assert fingerprint(await listing(connections)) == described


async def _make_whole(connections: Connections) -> None:
    database = connections.db()
    await database.create_collection(
        "events", clusteredIndex={"key": {"_id": 1}, "unique": True}, expireAfterSeconds=LIVES_S
    )
    await database.create_collection("measured", timeseries={"timeField": "at"}, expireAfterSeconds=LIVES_S)
    now = datetime.now(UTC)
    await database["events"].insert_one({"_id": now})
    await database["measured"].insert_one({"at": now - timedelta(seconds=1)})
