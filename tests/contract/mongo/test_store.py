"""The ledger's rows in MongoDB: they come back as they went in, once each, durably."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import pytest_asyncio

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.store import EVENT_COLLECTION, MongoStore
from skill_server.errors import Conflict, Invalid
from skill_server.model.base import canonical
from skill_server.model.receipt import Event, EventKind


@pytest_asyncio.fixture(loop_scope="session")
async def store(connections: Connections) -> MongoStore:
    """A prepared store."""
    opened = MongoStore(connections)
    await opened.prepare()
    return opened


def event(seq: int, **more: object) -> Event:
    """Return an event with edge values in every place."""
    return Event.model_validate(
        {
            "seq": seq,
            "kind": EventKind.BACKUP,
            "at": datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC),
            "bound": {"a.b": "$x", "é": "漢"},
            "body": {"z": [1, 1.0, 1e300, -0.0, None, True], "a": {"$set": "\u2028\x00", "": 2**63}},
            "mac": "0f",
            **more,
        }
    )


async def test_asking_whether_a_ledger_exists_does_not_make_one(connections: Connections) -> None:
    """Looking at a database that was never adopted must leave it as it was."""
    store = MongoStore(connections)

    assert not await store.exists()
    assert await connections.db().list_collection_names() == []
    await store.prepare()
    await store.prepare()
    assert await store.exists()


async def test_an_event_comes_back_with_the_same_canonical_text(store: MongoStore) -> None:
    """The MAC is computed over that text, so one changed byte would break the chain."""
    written = event(1, unique="plan 1")

    await store.append(written)

    (read,) = await store.events()
    assert read == written
    assert canonical(read.model_dump(mode="json")) == canonical(written.model_dump(mode="json"))


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
async def test_a_time_keeps_its_microseconds_and_its_zone(store: MongoStore, at: datetime) -> None:
    """BSON dates would cut microseconds off."""
    await store.append(event(1, at=at))

    (read,) = await store.events()
    assert read.at == at
    assert read.model_dump(mode="json") == event(1, at=at).model_dump(mode="json")


async def test_a_sequence_number_is_given_once(store: MongoStore) -> None:
    """Two processes that append at the same time must not both believe to be first."""
    await store.append(event(1))

    with pytest.raises(Conflict) as raised:
        await store.append(event(1, body={"other": 1}))

    assert raised.value.code == "ledger-race"
    assert await store.events() == [event(1)]


async def test_a_unique_word_is_given_once_and_its_absence_any_number_of_times(store: MongoStore) -> None:
    """An approval is spent once; events without such a word do not stand in each other's way."""
    await store.append(event(1, unique="spent x"))
    await store.append(event(2))
    await store.append(event(3))

    with pytest.raises(Conflict) as raised:
        await store.append(event(4, unique="spent x"))

    assert raised.value.code == "ledger-race"
    assert [read.seq for read in await store.events()] == [1, 2, 3]


async def test_events_come_in_order_of_their_numbers(store: MongoStore) -> None:
    """The chain is checked from the first to the last."""
    for seq in (10, 2, 1):
        await store.append(event(seq))

    assert [read.seq for read in await store.events()] == [1, 2, 10]


async def test_half_a_surrogate_pair_is_refused_with_its_event(store: MongoStore) -> None:
    """Text quoted from elsewhere may hold it, and the driver's own error names no event."""
    with pytest.raises(Invalid, match="event 1") as raised:
        await store.append(event(1, body={"text": "\ud800"}))

    assert raised.value.code == "event-not-unicode"
    assert await store.events() == []


async def test_an_append_waits_for_the_journal_of_a_majority(connections: Connections) -> None:
    """A receipt that a crash takes back would open gates for something that is not proven."""
    concern = connections.db()[EVENT_COLLECTION].write_concern.document

    assert concern == {"w": "majority", "j": True}
