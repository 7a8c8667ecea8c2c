"""The disk of the PostgreSQL server fills up while values are computed: nothing is lost, and the run goes on later."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
import pytest_asyncio

from skill_server.application import applying, planning
from skill_server.embedded import place
from skill_server.embedded.pair import Pair, embedded_pair
from skill_server.errors import InDoubt
from skill_server.model import content as contents
from tests.faults.test_kill_during_flow import POLICY, UNTIL, approved_split, every_value_is_computed_once
from tests.faults.test_kill_during_upgrade import called_again, more_records
from tests.support.project import Project, a_project, content

BLOCK = 8192
# The server must be able to make a file of its log, so the table has to be larger than one.
LARGER_THAN_LOG = 17 << 20
# Four of these fill a block to the last byte, so that no other row finds room there.
FILLER = f"""
    INSERT INTO items ("ItemID", "ItemName", "ItemDesc", "Serial", "Quantity")
    SELECT 1000000 + i, 'filler', repeat('x', 1980), (1000000 + i)::text, 1
    FROM generate_series(1, {4 * LARGER_THAN_LOG // BLOCK + 4}) AS i"""


@pytest_asyncio.fixture(loop_scope="session")
async def pair() -> AsyncIterator[Pair]:
    """A pair of this test alone, since the limit concerns every session of the server."""
    async with embedded_pair(durable=False) as started:
        yield started


@contextmanager
def full_disk(pair: Pair, limit_bytes: int) -> Generator[None]:
    """Let no file grow beyond a size in the sessions that the server begins meanwhile."""
    server = place.servers(pair.directory)["servers"]["postgres"]["pid"]
    before = resource.prlimit(os.getpid(), resource.RLIMIT_FSIZE)
    _limit(server, str(limit_bytes))
    try:
        yield
    finally:
        _limit(server, "unlimited" if before[0] == resource.RLIM_INFINITY else str(before[0]))


def _limit(server: int, soft: str) -> None:
    # By a program under the account of the server, which alone may do this where root is not allowed everything.
    process = psutil.Process(server)
    user = process.uids().real
    other = user != os.getuid()
    subprocess.run(
        ["prlimit", "--pid", str(server), f"--fsize={soft}:"],
        user=user if other else None,
        group=process.gids().real if other else None,
        extra_groups=[] if other else None,
        check=True,
        cwd="/",
    )


@asynccontextmanager
async def grown(project: Project) -> AsyncGenerator[int]:
    """Leave dead rows in the table, whose room nobody may use again in the block, and give the size of its file."""
    reader = await asyncpg.connect(project.postgres_url)
    try:
        await project.on_postgres('ALTER TABLE items ALTER COLUMN "ItemDesc" SET STORAGE PLAIN')
        await project.on_postgres(FILLER)
        # What an old snapshot still sees cannot be cleared away.
        await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        await project.on_postgres('DELETE FROM items WHERE "ItemID" > 1000000')
        found = await project.on_postgres("SELECT pg_relation_size('items') AS size")
        yield found[0]["size"]
    finally:
        await reader.close()


@pytest.mark.timeout(180)
async def test_a_backfill_that_fills_the_disk_of_the_server_goes_on_when_there_is_room_again(
    tmp_path: Path, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch that found no room is rolled back, those before it stay, and no value is computed twice."""
    async with a_project(tmp_path, pair.postgres_url, pair.mongodb_url, monkeypatch) as (project, app):
        configuration = project.root / "database-migration.toml"
        configuration.write_text(configuration.read_text() + POLICY)
        await more_records(project, UNTIL)
        async with grown(project) as size:
            assert size > LARGER_THAN_LOG
            before = await content(app)
            _, plan_id = await approved_split(project, app)
            session = await app.session(None)
            with full_disk(pair, size + BLOCK), pytest.raises(InDoubt) as failure:
                await applying.apply(session, planning.recall(session, plan_id))
            done, there = await computed(project)
            assert (failure.value.code, failure.value.detail["cause"]) == ("run-interrupted", "server-full")
            assert 0 < done < there

        outcome = await called_again(app, plan_id)

        assert outcome is not None
        assert outcome.body["result"] == "applied"
        session = await app.session(None)
        assert (session.history.unfinished, session.history.needs_attention) == (None, None)
        touched = frozenset(planning.recall(session, plan_id).plan.touched)
        assert contents.compare(before[1], (await content(app))[1], touched=touched) == ()
        await every_value_is_computed_once(project)


async def computed(project: Project) -> tuple[int, int]:
    """Return how many rows have a value, and how many will."""
    (found,) = await project.on_postgres(
        'SELECT count(size) AS done, count(*) FILTER (WHERE "ItemID" % 4 <> 0) AS there FROM items'
    )
    return found["done"], found["there"]
