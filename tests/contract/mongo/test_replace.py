"""Putting a restored copy in place of the live database: nothing is lost, and a crash is only a pause."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from skill_server.backends.base import scratch_name
from skill_server.backends.mongo.backup import scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.restore import replace, replacement
from skill_server.errors import Conflict, InDoubt, Refused
from tests.contract.mongo.sample import content_of

VALIDATOR = {"n": {"$gte": 0}}
# What the old views show is no longer there under its name.
OLD = {"items": 2, "since": 1, "newer view": 0, "seen": 0, "types": 0}


@pytest_asyncio.fixture(loop_scope="session")
async def live(mongo_database: str) -> AsyncIterator[Connections]:
    """A live database with a ledger, kept values, a view, and content that the copy does not have."""
    opened = Connections(mongo_database)
    database = opened.db()
    await database["items"].insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 2}])
    await database["since"].insert_one({"_id": "written since the backup"})
    await database.command({"create": "newer view", "viewOn": "since", "pipeline": []})
    await database.command({"create": "seen", "viewOn": "since", "pipeline": []})
    # A collection of the copy has this name.
    await database.command({"create": "types", "viewOn": "since", "pipeline": []})
    await database["database_migration.event"].insert_one({"_id": 1})
    await database["database_migration.lock"].insert_one({"_id": 1, "value": "kept"})
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def copy(live: Connections) -> AsyncIterator[Connections]:
    """A loaded scratch database."""
    opened = live.at(scratch_name("test", uuid.uuid4().hex[:12]))
    database = opened.db()
    async with scratch.made_scratch(opened):
        await database.create_collection("items", validator=VALIDATOR, validationLevel="moderate")
        await database["items"].insert_many([{"_id": key, "n": key} for key in range(5)])
        await database["items"].create_index([("n", 1)], name="by n", unique=True)
        await database["types"].insert_one({"_id": 1})
        await database.command({"create": "seen", "viewOn": "items", "pipeline": [{"$match": {"n": 1}}]})
    yield opened
    await live.client().drop_database(opened.database)


async def aside(live: Connections) -> dict[str, int]:
    """Return the counts of what was put aside, by the old names."""
    found: dict[str, int] = {}
    for name in await live.db().list_collection_names():
        if name.startswith(replacement.ASIDE_PREFIX):
            found[name.split(".", 3)[3]] = await live.db()[name].count_documents({})
    return found


async def test_the_copy_takes_the_place_and_the_old_content_stays_aside(
    live: Connections, copy: Connections
) -> None:
    """A restore that turns out to be wrong must be undoable by a person."""
    restored = await content_of(copy)

    await replace.replace_with(live, copy.database)

    assert await content_of(live) == restored
    assert await aside(live) == OLD


async def test_an_old_view_keeps_its_definition_aside(live: Connections, copy: Connections) -> None:
    """A view has no content, and its pipeline may be somebody's work all the same."""
    await live.db().command({"create": "odd", "viewOn": "items", "pipeline": [{"$match": {"n": {"$gt": 1}}}]})

    await replace.replace_with(live, copy.database)

    listed = await (await live.db().list_collections()).to_list(None)
    (found,) = [entry for entry in listed if str(entry["name"]).endswith(".odd")]
    assert found["name"].startswith(f"{replacement.ASIDE_PREFIX}.")
    assert found["options"] == {"viewOn": "items", "pipeline": [{"$match": {"n": {"$gt": 1}}}]}


async def test_the_ledger_and_kept_values_stay_in_place(live: Connections, copy: Connections) -> None:
    """History goes on after a restore, and values that a downgrade needs exist nowhere else."""
    await replace.replace_with(live, copy.database)

    assert await live.db()["database_migration.event"].find_one() == {"_id": 1}
    assert await live.db()["database_migration.lock"].find_one() == {"_id": 1, "value": "kept"}
    assert scratch.MARK_COLLECTION not in await live.db().list_collection_names()


async def test_calling_again_after_the_end_changes_nothing(live: Connections, copy: Connections) -> None:
    """The copy is empty by then; putting it in place again would put nothing in place of everything."""
    await replace.replace_with(live, copy.database)
    before, aside_before = await content_of(live), await aside(live)

    await replace.replace_with(live, copy.database)

    assert (await content_of(live), await aside(live)) == (before, aside_before)


class _CrashError(Exception):
    """The process ends here."""


STEPS = 12


@pytest.mark.faults
@pytest.mark.parametrize("crash_after", range(STEPS))
async def test_a_crash_between_any_two_writes_is_only_a_pause(
    live: Connections, copy: Connections, crash_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever write was the last, the same call finishes and the end is the same as without the crash."""
    restored = await content_of(copy)
    left = crash_after

    def counted(function: Any) -> Any:
        async def step(*args: Any, **named: Any) -> Any:
            nonlocal left
            if left == 0:
                raise _CrashError
            left -= 1
            return await function(*args, **named)

        return step

    with monkeypatch.context() as patched:
        patched.setattr(replace, "_rename", counted(replace._rename))  # pyright: ignore[reportPrivateUsage]
        journal = replacement.Journal
        patched.setattr(journal, "write", counted(journal.write))
        patched.setattr(replace, "create_views", counted(replace.create_views))
        with pytest.raises(_CrashError):
            await replace.replace_with(live, copy.database)

    await replace.replace_with(live, copy.database)

    assert await content_of(live) == restored
    assert await aside(live) == OLD


@pytest.mark.faults
async def test_a_crash_between_copying_and_dropping_is_recognized(
    live: Connections, copy: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Across databases the server copies first; two equal collections are one that arrived."""
    restored = await content_of(copy)
    with monkeypatch.context() as patched:

        async def crash(*_: Any) -> None:
            raise _CrashError

        patched.setattr(replace, "_bring", crash)
        with pytest.raises(_CrashError):
            await replace.replace_with(live, copy.database)
    async for document in copy.db()["items"].find():
        await live.db()["items"].insert_one(document)
    await live.db()["items"].create_index([("n", 1)], name="by n", unique=True)

    await replace.replace_with(live, copy.database)

    assert await content_of(live) == restored


async def test_a_collection_that_somebody_makes_meanwhile_is_never_overwritten(
    live: Connections, copy: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application that was not stopped creates its collection anew with its first write."""
    move = replace._move_aside  # pyright: ignore[reportPrivateUsage]

    async def then_somebody_writes(connections: Connections, begun: replacement.Replacement) -> None:
        await move(connections, begun)
        # As many as the copy has, so that a count alone would not tell.
        await connections.db()["items"].insert_many([{"_id": f"somebody's {key}"} for key in range(5)])

    with monkeypatch.context() as patched:
        patched.setattr(replace, "_move_aside", then_somebody_writes)
        with pytest.raises(InDoubt, match="made by somebody else") as raised:
            await replace.replace_with(live, copy.database)

    assert raised.value.code == "replacement-disturbed"
    assert await live.db()["items"].find_one() == {"_id": "somebody's 0"}
    assert await copy.db()["items"].count_documents({}) == 5


async def test_another_replacement_waits_for_the_first(
    live: Connections, copy: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two halves of different copies would be a database that never was."""
    other = live.at(scratch_name("other", uuid.uuid4().hex[:12]))

    async def crash(*_: Any) -> None:
        raise _CrashError

    with monkeypatch.context() as patched:
        patched.setattr(replace, "_bring", crash)
        with pytest.raises(_CrashError):
            await replace.replace_with(live, copy.database)
    async with scratch.made_scratch(other):
        await other.db()["items"].insert_one({"_id": 1})
    try:
        with pytest.raises(Conflict) as raised:
            await replace.replace_with(live, other.database)
    finally:
        await scratch.drop(other)

    assert raised.value.code == "replacement-unfinished"


async def test_a_database_that_is_not_scratch_is_no_replacement(live: Connections) -> None:
    """Its collections would be moved away from whoever uses it."""
    before = await content_of(live)

    with pytest.raises(Refused) as raised:
        await replace.replace_with(live, "somebodys")

    assert raised.value.code == "not-scratch"
    assert await content_of(live) == before


async def test_a_time_series_is_refused_before_anything_moves(live: Connections, copy: Connections) -> None:
    """MongoDB cannot rename a time series, and half a replacement would be worse than none."""
    await live.db().create_collection("measured", timeseries={"timeField": "at"})
    before = set(await live.db().list_collection_names())

    with pytest.raises(Refused, match="measured is a time series") as raised:
        await replace.replace_with(live, copy.database)

    assert raised.value.code == "replacement-impossible"
    assert set(await live.db().list_collection_names()) == before
