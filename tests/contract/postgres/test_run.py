"""Running steps on PostgreSQL: all or nothing, short waits for locks, and crashes that leave no guess."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skill_server.backends.postgres.backend import PostgresBackend
from skill_server.backends.postgres.connection import Connections
from skill_server.errors import Failed, MigrationError, Refused
from skill_server.model.action import AddField, BuildIndex
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Statement, Step, Way
from skill_server.model.snapshot import IndexKey
from tests.contract.postgres.cutting_proxy import cutting_at_commit
from tests.contract.postgres.undo import POLICY, SHOP, Place, steps

PLAN = "a" * 32


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database that holds the shop."""
    made = Place(postgres_database)
    await made.execute(SHOP)
    yield made


def step(name: str, *texts: str, phase: Phase = Phase.EXPAND) -> Step:
    """Return a step that runs these statements."""
    action = AddField(entity="item", field="rank", type=parse("Integer"))
    way = Way(summary=name, statements=tuple(Statement(text=text) for text in texts))
    return Step(
        id=name,
        backend=BackendKind.POSTGRES,
        entity="item",
        action=action,
        phase=phase,
        forward=way,
        back=way,
    )


ADD = step("add", "ALTER TABLE public.item ADD COLUMN rank integer")


async def columns(place: Place) -> int:
    """Count how often the new column is there."""
    query = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'rank'"
    return int(await place.value(query))


async def test_a_failing_step_takes_its_whole_phase_and_all_marks_with_it(place: Place) -> None:
    """A transactional phase is one transaction, so there is no half."""
    with pytest.raises(Failed) as failure:
        await place.backend.run(PLAN, [ADD, step("bad", "SELECT 1 / 0")], POLICY)
    assert failure.value.code == "statement-failed"
    assert failure.value.detail["sqlstate"] == "22012"
    assert await columns(place) == 0
    assert await place.backend.journal.marks(PLAN) == {}


async def test_a_step_that_is_marked_done_does_not_run_again(place: Place) -> None:
    """A resumed plan goes on where the marks end."""
    await place.backend.run(PLAN, [ADD], POLICY)
    await place.backend.run(
        PLAN, [ADD, step("more", "ALTER TABLE public.item ADD COLUMN more integer")], POLICY
    )
    marks = await place.backend.journal.marks(PLAN)
    assert {name: mark.state for name, mark in marks.items()} == {"add": "done", "more": "done"}

    await place.backend.journal.forget(PLAN)
    assert await place.backend.journal.marks(PLAN) == {}


async def test_a_second_statement_behind_a_semicolon_is_refused_by_the_server(place: Place) -> None:
    """Nothing may ride on a statement that a person has read."""
    with pytest.raises(Failed):
        await place.backend.run(PLAN, [step("two", "SELECT 1; DROP TABLE public.line")], POLICY)
    assert await place.value("SELECT count(*) FROM line") == 2


async def test_a_lock_that_is_not_free_in_time_names_its_holder_and_changes_nothing(place: Place) -> None:
    """A migration that queues for a lock stops everybody behind it, so it gives up and says whom to ask."""
    async with Connections(place.url).session(purpose="slow report") as reader, reader.transaction():
        await reader.fetch("SELECT * FROM public.item")
        with pytest.raises(Refused) as refusal:
            await place.backend.run(PLAN, [ADD], POLICY)
    assert refusal.value.code == "lock-timeout"
    assert "slow report" in refusal.value.message
    assert await columns(place) == 0

    await place.backend.run(PLAN, [ADD], POLICY)
    assert await columns(place) == 1


async def test_a_commit_whose_answer_is_lost_counts_once(place: Place) -> None:
    """The server is asked how the transaction ended, so a lost answer is neither guessed nor repeated."""
    async with cutting_at_commit(place.url, delivered=True) as url:
        # The first COMMIT belongs to the step: the journal is there already.
        await place.backend.run("b" * 32, [step("warm", "SELECT 1")], POLICY)
        await PostgresBackend(url, NameMap()).run(PLAN, [ADD], POLICY)
    assert await columns(place) == 1
    assert list(await place.backend.journal.marks(PLAN)) == ["add"]


async def test_a_commit_that_never_arrived_leaves_nothing(place: Place) -> None:
    """The same lost answer, but the server rolled back: the run fails and may be tried again."""
    await place.backend.run("b" * 32, [step("warm", "SELECT 1")], POLICY)
    async with cutting_at_commit(place.url, delivered=False) as url:
        with pytest.raises(Failed) as failure:
            await PostgresBackend(url, NameMap()).run(PLAN, [ADD], POLICY)
    assert failure.value.code == "connection-lost"
    assert await columns(place) == 0
    assert await place.backend.journal.marks(PLAN) == {}


async def test_a_session_that_the_server_ends_half_way_leaves_nothing(place: Place) -> None:
    """An administrator or a crash may end any session at any time."""
    ended = step("ended", "SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Failed):
        await place.backend.run(PLAN, [ADD, ended], POLICY)
    assert await columns(place) == 0


async def test_an_invalid_index_of_an_earlier_attempt_is_dropped_and_built_anew(place: Place) -> None:
    """A failed concurrent build leaves an index that slows writers and answers nobody."""
    await place.execute("INSERT INTO keyless VALUES ('a', 9)")
    with pytest.raises(MigrationError):
        await place.execute("CREATE UNIQUE INDEX CONCURRENTLY word_once ON keyless (word)")
    assert await place.value("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'word_once'::regclass")
    definition = BuildIndex(entity="keyless", name="word_once", keys=(IndexKey(field="word"),), unique=True)
    snapshot = (await place.backend.inspect()).model_copy(
        update={
            "entities": tuple(
                entity.model_copy(update={"indexes": ()})
                for entity in (await place.backend.inspect()).entities
            )
        }
    )
    ordered = steps(definition, place.backend.render(definition, snapshot, migration="20260101_a"))
    assert list(await place.offenders(ordered[0])) == ["duplicates-of-word_once"]
    with pytest.raises(Failed):
        await place.backend.run(PLAN, ordered, POLICY)
    assert await place.value("SELECT to_regclass('word_once') IS NULL")
    assert {mark.state for mark in (await place.backend.journal.marks(PLAN)).values()} == {"running"}

    await place.execute("TRUNCATE keyless")
    await place.backend.run(PLAN, ordered, POLICY)
    assert await place.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'word_once'::regclass")


async def test_an_index_that_was_built_before_the_mark_was_lost_is_not_built_twice(place: Place) -> None:
    """The work of hours is looked for first; another index under the name is no match."""
    action = BuildIndex(entity="item", name="by_amount", keys=(IndexKey(field="amount", descending=True),))
    ordered = steps(action, await place.pieces(action))
    await place.backend.run(PLAN, ordered, POLICY)
    built = await place.value("SELECT 'by_amount'::regclass::oid")
    await place.backend.journal.forget(PLAN)
    await place.backend.run(PLAN, ordered, POLICY)
    assert await place.value("SELECT 'by_amount'::regclass::oid") == built

    await place.execute("DROP INDEX by_amount", "CREATE INDEX by_amount ON item (amount)")
    await place.backend.journal.forget(PLAN)
    with pytest.raises(Refused) as refusal:
        await place.backend.run(PLAN, ordered, POLICY)
    assert refusal.value.code == "index-exists"
