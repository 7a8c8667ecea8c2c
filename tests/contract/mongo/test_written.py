"""What was written since a dump of MongoDB: equal sums prove that nothing was, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from bson import ObjectId

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.restore import written
from skill_server.backends.mongo.verify.checksum import checksums
from skill_server.backends.replacing import Written
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult


@pytest_asyncio.fixture(loop_scope="session")
async def live(mongo_database: str) -> AsyncIterator[Connections]:
    """A database with two collections and a view."""
    opened = Connections(mongo_database)
    database = opened.db()
    await database["items"].insert_many([{"_id": key, "n": key, "s": "x"} for key in range(20)])
    await database["notes"].insert_many([{"n": key} for key in range(3)])
    await database.command({"create": "seen", "viewOn": "items", "pipeline": []})
    yield opened
    await opened.close()


async def dumped(live: Connections) -> DumpResult:
    """Return what a dump of this moment says, without its files."""
    return DumpResult(
        parts=(),
        fingerprint="f",
        checksums=await checksums(live, NameMap()),
        point_in_time=True,
        tool="none",
        moment=datetime.now(UTC) - timedelta(seconds=2),
    )


async def since(live: Connections, dump: DumpResult) -> dict[str, Written]:
    """Return what was written since a dump, by entity."""
    return {item.entity: item for item in await written.written_since(live, NameMap(), dump)}


async def test_equal_sums_are_the_only_nothing(live: Connections) -> None:
    """Every value is compared, so nothing means nothing."""
    found = await since(live, await dumped(live))

    assert found.keys() == {"items", "notes"}
    assert all(item.is_nothing for item in found.values())
    assert found["items"].how == "every value is equal, by content sums"


async def test_a_change_without_a_trace_in_the_counts_is_not_called_nothing(live: Connections) -> None:
    """One document deleted and one added, or a value exchanged, leaves the counts as they were."""
    dump = await dumped(live)
    await live.db()["items"].update_one({"_id": 3}, {"$set": {"n": 4}})

    found = await since(live, dump)

    assert (found["items"].records_now, found["items"].changed) == (20, None)
    assert "n" in found["items"].how
    assert not found["items"].is_nothing
    assert found["notes"].is_nothing


async def test_what_was_added_shows_by_the_creation_time_of_its_id(live: Connections) -> None:
    """A client stamps the second into an ObjectId; a key of another kind tells nothing."""
    dump = await dumped(live)
    later = datetime.now(UTC) + timedelta(seconds=5)
    await live.db()["notes"].insert_many(
        [{"_id": ObjectId.from_datetime(later), "n": 9}, {"_id": "a", "n": 9}]
    )

    notes = (await since(live, dump))["notes"]

    assert (notes.records_then, notes.records_now, notes.changed) == (3, 5, None)
    assert "at least" in notes.how


async def test_collections_that_came_or_went_are_named(live: Connections) -> None:
    """A restore takes the new one out of sight and brings the old one back."""
    dump = await dumped(live)
    await live.db()["notes"].drop()
    await live.db()["later"].insert_one({"n": 1})

    found = await since(live, dump)

    assert (found["notes"].records_then, found["notes"].records_now, found["notes"].changed) == (3, 0, 0)
    assert (found["later"].records_then, found["later"].records_now, found["later"].changed) == (0, 1, 1)


async def test_reading_that_takes_too_long_ends_without_a_claim(
    live: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run of the emergency path must end."""
    dump = await dumped(live)
    monkeypatch.setattr(written, "LONGEST_READ_S", 0)

    found = await since(live, dump)

    assert {(item.records_now, item.changed) for item in found.values()} == {(None, None)}
