"""What a step costs on PostgreSQL is read in its own transaction and kept in its mark."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from skill_server.model.measure import StepMeasure, measures
from skill_server.model.plan import Phase, Step
from tests.contract.postgres.test_run import PLAN, step
from tests.contract.postgres.undo import POLICY, SHOP, Place


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database that holds the shop."""
    made = Place(postgres_database)
    await made.execute(SHOP)
    yield made


async def measured(place: Place, *steps: Step) -> dict[str, StepMeasure]:
    """Run steps and return what their marks say they cost."""
    await place.backend.run(PLAN, steps, POLICY)
    return measures(await place.backend.journal.marks(PLAN))


def locks(measure: StepMeasure) -> set[tuple[str, str]]:
    """Return the locks of a measure as pairs."""
    return {(lock.entity, lock.mode) for lock in measure.locks}


async def test_a_step_names_the_locks_that_it_took_first(place: Place) -> None:
    """A lock lasts until the commit, so the step that took it is the one to blame."""
    found = await measured(
        place,
        step("share", "LOCK TABLE public.item IN SHARE MODE"),
        step("add", "ALTER TABLE public.item ADD COLUMN rank integer"),
        step("again", "ALTER TABLE public.item ADD COLUMN rank2 integer"),
    )

    assert locks(found["share"]) == {("item", "ShareLock")}
    assert locks(found["add"]) == {("item", "AccessExclusiveLock")}
    assert locks(found["again"]) == set()
    assert {measure.transaction for measure in found.values()} == {found["add"].transaction}
    assert found["add"].transaction is not None


async def test_locks_on_what_the_transaction_made_itself_are_nobody_elses_business(place: Place) -> None:
    """Nobody can wait for a relation that nobody else can see."""
    found = await measured(place, step("make", "CREATE TABLE public.fresh (id int)"))

    assert locks(found["make"]) == set()


async def test_readers_and_writers_locks_are_left_out(place: Place) -> None:
    """An UPDATE locks as every application does."""
    found = await measured(place, step("write", "UPDATE public.item SET id = id"))

    assert found["write"].locks == ()
    assert found["write"].records == await place.value("SELECT count(*) FROM public.item")
    assert (found["write"].wal_bytes or 0) > 0


async def test_each_step_counts_its_own_records_and_rewriting_is_seen(place: Place) -> None:
    """Counters of a transaction add up, and a step answers for its share alone."""
    every = await place.value("SELECT count(*) FROM public.item")
    found = await measured(
        place,
        step("write", "UPDATE public.item SET id = id"),
        step("retype", "ALTER TABLE public.item ADD COLUMN made timestamptz DEFAULT clock_timestamp()"),
        step("rest", "UPDATE public.item SET id = id"),
    )

    assert (found["write"].records, found["rest"].records) == (every, every)
    assert found["write"].rewritten == ()
    assert found["retype"].rewritten == ("item",)
    assert found["rest"].rewritten == ()


async def test_a_concurrent_step_is_measured_too(place: Place) -> None:
    """Building an index takes long, and is most of what a forecast has to say."""
    found = await measured(
        place,
        step("index", "CREATE INDEX CONCURRENTLY measured ON public.item (id)", phase=Phase.CONCURRENT),
    )

    assert found["index"].seconds > 0
    assert (found["index"].wal_bytes or 0) > 0
    assert found["index"].locks == ()
    assert found["index"].transaction is None
