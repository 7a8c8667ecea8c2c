"""What would stop a replacement of collections, found out while nothing has moved."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from skill_server.backends.base import scratch_name
from skill_server.backends.mongo.backup import scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.restore import aside as put_aside
from skill_server.backends.mongo.restore import replace, replaceable, replacement
from skill_server.backends.mongo.schema.listing import LONGEST_NAMESPACE_BYTES
from skill_server.errors import InDoubt, Refused
from tests.contract.mongo.sample import content_of


@pytest_asyncio.fixture(loop_scope="session")
async def live(mongo_database: str) -> AsyncIterator[Connections]:
    """A live database with a ledger and two collections."""
    opened = Connections(mongo_database)
    await opened.db()["items"].insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 2}])
    await opened.db()["since"].insert_one({"_id": 1})
    await opened.db()["database_migration.event"].insert_one({"_id": 1})
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def copy(live: Connections) -> AsyncIterator[Connections]:
    """A loaded scratch database."""
    opened = live.at(scratch_name("test", uuid.uuid4().hex[:12]))
    async with scratch.made_scratch(opened):
        await opened.db()["items"].insert_many([{"_id": key, "n": key} for key in range(5)])
        await opened.db()["items"].create_index([("n", 1)], name="by n", unique=True)
    yield opened
    await live.client().drop_database(opened.database)


async def test_what_would_stop_a_replacement_is_told_before_a_copy_is_made(
    live: Connections, copy: Connections
) -> None:
    """The other database of the pair must not be touched for a restore that this one refuses."""
    await replaceable.require_replaceable(live)
    await replaceable.require_replaceable(live, copy.database)
    before = set(await live.db().list_collection_names())
    await live.db().create_collection("measured", timeseries={"timeField": "at"})

    for given in (None, copy.database):
        with pytest.raises(Refused, match="measured is a time series") as raised:
            await replaceable.require_replaceable(live, given)
        assert raised.value.code == "replacement-impossible"

    assert before < set(await live.db().list_collection_names())
    assert await put_aside.replaced(live) == ()


async def test_a_collection_that_the_server_owns_or_whose_name_is_too_long_is_refused(
    live: Connections,
) -> None:
    """Half-way is too late to find out that one of them cannot be renamed."""
    await live.db()["system.js"].insert_one({"_id": "f"})
    with pytest.raises(Refused, match=r"system\.js belongs to the server"):
        await replaceable.require_replaceable(live)
    await live.db()["system.js"].drop()
    await live.db()["x" * 200].insert_one({"_id": 1})
    with pytest.raises(Refused, match="too long to keep it aside"):
        await replaceable.require_replaceable(live)


@pytest.mark.parametrize("letter", ["x", "é"])
async def test_the_longest_name_that_can_be_kept_aside_is_and_one_byte_more_is_refused(
    live: Connections, copy: Connections, letter: str
) -> None:
    """Bytes count and not letters, and half-way is too late to count them."""
    prefix = f"{live.database}.{replacement.ASIDE_PREFIX}.20260101T000000000000Z."
    room = LONGEST_NAMESPACE_BYTES - len(prefix)
    wide = len(letter.encode())
    name = letter * (room // wide) + "y" * (room % wide)
    await live.db()[f"{name}y"].insert_one({"_id": 1})
    before = set(await live.db().list_collection_names())

    for refused in (
        replaceable.require_replaceable(live),
        replaceable.require_replaceable(live, copy.database),
        replace.replace_with(live, copy.database),
    ):
        with pytest.raises(Refused, match="too long to keep it aside"):
            await refused
    assert set(await live.db().list_collection_names()) == before

    await live.db()[f"{name}y"].rename(name)
    await replaceable.require_replaceable(live)
    await replace.replace_with(live, copy.database)
    (kept,) = [each for each in await live.db().list_collection_names() if each.endswith(name)]
    assert len(f"{live.database}.{kept}".encode()) == LONGEST_NAMESPACE_BYTES


async def test_options_that_this_server_loses_are_found_out_beforehand(
    live: Connections, copy: Connections
) -> None:
    """Renaming an empty one of the same kind shows what the real one would lose, and leaves nothing behind."""
    await copy.db().create_collection("ring", capped=True, size=4096)
    before = await content_of(live), await content_of(copy)
    names = set(await live.db().list_collection_names())

    told = await told_of(live, copy)

    assert (await content_of(live), await content_of(copy)) == before
    assert set(await live.db().list_collection_names()) == names
    # What was refused would have stopped half-way; on a server that loses nothing, nothing is refused.
    if told is None:
        await replace.replace_with(live, copy.database)
    else:
        assert "ring would lose options" in told
        with pytest.raises(InDoubt):
            await replace.replace_with(live, copy.database)


async def test_an_index_whose_only_key_is_the_id_takes_part_in_the_trial(
    live: Connections, copy: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server loses of it would be found out half-way, with the old collections aside."""
    await copy.db()["items"].create_index([("_id", -1)], name="newest first")
    tried: list[str] = []
    survives = replaceable._survives  # pyright: ignore[reportPrivateUsage]

    async def watched(*args: Any) -> bool:
        tried.extend(str(index["name"]) for index in args[4])
        return await survives(*args)

    monkeypatch.setattr(replaceable, "_survives", watched)
    await replaceable.require_replaceable(live, copy.database)

    assert sorted(tried) == ["by n", "newest first"]
    await replace.replace_with(live, copy.database)
    assert "newest first" in await live.db()["items"].index_information()


async def told_of(live: Connections, copy: Connections) -> str | None:
    """Return what is said to stand in the way, or None."""
    try:
        await replaceable.require_replaceable(live, copy.database)
    except Refused as refusal:
        return refusal.message
    return None


async def test_what_was_put_aside_is_listed_until_it_is_dropped(live: Connections, copy: Connections) -> None:
    """Otherwise nobody would remember how much room old content takes."""
    assert await put_aside.replaced(live) == ()

    await replace.replace_with(live, copy.database)

    (found,) = await put_aside.replaced(live)
    assert found.name.startswith(replacement.ASIDE_PREFIX)
    assert found.records == 3
    assert found.size_bytes > 0


async def test_a_finished_replacement_stops_nothing(live: Connections, copy: Connections) -> None:
    """A restore that was cut off after this half is called again, and the application may write here by then."""
    await replace.replace_with(live, copy.database)

    await replaceable.require_replaceable(live, copy.database)
