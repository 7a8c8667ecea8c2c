"""The ledger's rows on PostgreSQL: exact, unique, and safe to prepare twice."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.store import PostgresStore
from skill_server.errors import Conflict, Refused
from skill_server.model.receipt import Event, EventKind
from tests.contract.postgres.sample import execute, value

EVENT = Event(
    seq=1,
    kind=EventKind.PLAN,
    at=datetime(2024, 2, 29, 23, 59, 59, 123457, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    bound={"plan": "ü", "z": "1", "a": "2"},
    body={"z": [1.10, 1e300, 2**70, None], "a": {"text": "nul \x00 half \ud800 quote ' \"", "b": True}},
    unique="one",
    mac="ab" * 32,
)


async def test_an_event_comes_back_exactly_as_it_was_given(postgres_database: str) -> None:
    """A MAC covers every character: offset of the time, order of the keys, spelling of the numbers."""
    store = PostgresStore(Connections(postgres_database))
    await store.prepare()
    utc = EVENT.model_copy(
        update={"seq": 2, "unique": None, "body": {}, "at": datetime(2024, 1, 1, tzinfo=UTC)}
    )
    await store.append(EVENT)
    await store.append(utc)

    first, second = await store.events()

    assert first == EVENT
    assert first.at.utcoffset() == EVENT.at.utcoffset()
    assert first.model_dump(mode="python") == EVENT.model_dump(mode="python")
    assert list(first.body) == list(EVENT.body)
    assert second.model_dump_json() == utc.model_dump_json()


async def test_a_ledger_that_is_not_there_is_not_made_by_looking(postgres_database: str) -> None:
    """Asking must not change a database that nobody adopted."""
    store = PostgresStore(Connections(postgres_database))

    assert not await store.exists()
    assert await store.events() == []
    assert await value(postgres_database, "SELECT to_regnamespace('database_migration') IS NULL")


async def test_preparing_from_many_sides_at_once_makes_one_ledger(postgres_database: str) -> None:
    """Two servers started together must not see each other's half-made catalog rows as errors."""
    stores = [PostgresStore(Connections(postgres_database)) for _ in range(8)]

    await asyncio.gather(*(store.prepare() for store in stores))
    await stores[0].append(EVENT)
    await stores[1].prepare()

    assert await stores[2].exists()
    assert len(await stores[3].events()) == 1


@pytest.mark.parametrize("update", [{"unique": "two"}, {"seq": 2}])
async def test_a_taken_number_or_word_is_a_race_that_is_lost(
    postgres_database: str, update: dict[str, object]
) -> None:
    """One approval is spent once, and the chain has no forks."""
    store = PostgresStore(Connections(postgres_database))
    await store.prepare()
    await store.append(EVENT)

    with pytest.raises(Conflict) as refusal:
        await store.append(EVENT.model_copy(update=update))

    assert refusal.value.code == "ledger-race"
    assert await store.events() == [EVENT]


async def test_of_many_appends_at_once_exactly_one_wins(postgres_database: str) -> None:
    """The server decides the race, not the order in which clients looked."""
    store = PostgresStore(Connections(postgres_database))
    await store.prepare()

    outcomes = await asyncio.gather(*(store.append(EVENT) for _ in range(6)), return_exceptions=True)

    assert outcomes.count(None) == 1
    assert all(isinstance(outcome, Conflict) for outcome in outcomes if outcome is not None)


async def test_a_server_that_only_reads_refuses_a_ledger(postgres_database: str) -> None:
    """A standby or a read-only role is found out before any work is done."""
    name = Connections(postgres_database).database
    await execute(postgres_database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    with pytest.raises(Refused) as refusal:
        await PostgresStore(Connections(postgres_database)).prepare()

    assert refusal.value.code == "ledger-not-writable"
