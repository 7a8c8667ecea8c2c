"""F46: a process that dies between the making of a copy and its mark, and databases that only look like such copies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application import rehearsing
from skill_server.application.application import Application
from skill_server.backends.base import SCRATCH_PREFIX
from skill_server.backends.mongo.backup.scratch import MARK_COLLECTION
from skill_server.backends.mongo.connection import Connections as MongoConnections
from skill_server.backends.postgres.backup import scratch as postgres_scratch
from skill_server.backends.postgres.connection import Connections
from skill_server.cli import doctor
from skill_server.model.ids import BackendKind
from tests.contract.postgres.sample import execute
from tests.faults.test_rehearsal_left_over import copies
from tests.support.killed import killed_at
from tests.support.project import Project, a_project
from tests.workflow.test_rehearsal_forecast import planned

# Where the mark would be written, the process kills itself; what was made just before is there.
AT_THE_MARK = {
    BackendKind.POSTGRES: """
import os, signal
from skill_server.backends.postgres.backup import scratch
scratch.mark = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
""",
    BackendKind.MONGODB: """
import os, signal
from pymongo.synchronous.collection import Collection
insert = Collection.insert_one
def insert_one(self, *given, **options):
    if self.name == "database_migration.scratch":
        os.kill(os.getpid(), signal.SIGKILL)
    return insert(self, *given, **options)
Collection.insert_one = insert_one
""",
}


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Project, Application]]:
    """A filled project and an application on it."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as made:
        yield made


async def marked(project: Project, kind: BackendKind, name: str) -> bool:
    """Say whether a copy has the mark that comes after its making."""
    if kind is BackendKind.POSTGRES:
        async with Connections(project.postgres_url).maintenance(purpose="test") as connection:
            found: bool = await connection.fetchval(
                "SELECT shobj_description(oid, 'pg_database') IS NOT NULL FROM pg_database WHERE datname = $1",
                name,
            )
            return found
    database = MongoConnections(project.mongodb_url).at(name)
    try:
        return await database.db()[MARK_COLLECTION].find_one({}) is not None
    finally:
        await database.close()


@pytest.mark.timeout(90)
@pytest.mark.parametrize("kind", list(BackendKind))
async def test_a_copy_whose_maker_died_before_its_mark_is_swept_by_the_next_rehearsal(
    place: tuple[Project, Application], kind: BackendKind
) -> None:
    """Between the two statements there is a database without a mark, which must not stay for ever."""
    project, app = place
    plan_id = await planned(app, project)
    arguments = ["--project", str(project.root), "rehearse-migration", "--plan-id", plan_id]

    await killed_at(project, arguments, AT_THE_MARK[kind])
    left = await copies(app, kind)
    was_marked = [await marked(project, kind, name) for name in left]
    report, _ = await rehearsing.rehearse_plan(await app.session(None), plan_id)

    assert was_marked == [False]
    assert report.passed, report.problems
    assert all([not await copies(app, each) for each in BackendKind])


@pytest.mark.timeout(90)
async def test_what_somebody_made_under_the_name_of_a_copy_is_told_and_never_swept(
    place: tuple[Project, Application],
) -> None:
    """The name is no proof: not with content, not empty, not closed, not with the number of another name."""
    project, app = place
    plan_id = await planned(app, project)
    begin = f"{SCRATCH_PREFIX}rehearsal_{(await app.session(None)).identity.ledger_id[:8]}_"
    names = [f"{begin}{kind}" for kind in ("filled", "empty", "closed", "renamed")]
    postgres, mongo = Connections(project.postgres_url), MongoConnections(project.mongodb_url)
    try:
        async with postgres.maintenance(purpose="test") as connection:
            for name, words in zip(
                names,
                ("", "", "ALLOW_CONNECTIONS false", postgres_scratch.newborn(f"{begin}other")),
                strict=True,
            ):
                await connection.execute(f'CREATE DATABASE "{name}" {words}')
        await execute(f"{project.postgres_url.rpartition('/')[0]}/{names[0]}", "CREATE TABLE mine (id int)")
        filled, joined = mongo.at(names[0]), mongo.at(names[1])
        await filled.db()["mine"].insert_one({"_id": 1})
        # Somebody's documents in the place that a dead process had made.
        await joined.db().create_collection(MARK_COLLECTION, validator={"database": joined.database})
        await joined.db()["mine"].insert_one({"_id": 1})

        report, _ = await rehearsing.rehearse_plan(await app.session(None), plan_id)
        told = {line.what: line for line in await doctor.examine(project.root, None)}
        async with postgres.maintenance(purpose="test") as connection:
            there = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}

        assert report.passed, report.problems
        assert set(names) <= there
        assert await filled.db()["mine"].count_documents({}) == 1
        assert await joined.db()["mine"].count_documents({}) == 1
        assert all(name in told["postgres copies"].found for name in names)
        assert all(name in told["mongodb copies"].found for name in names[:2])
    finally:
        async with postgres.maintenance(purpose="test") as connection:
            for name in names:
                await connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        for name in names[:2]:
            await mongo.client().drop_database(name)
        await mongo.close()


async def test_a_copy_whose_dropping_was_cut_off_is_dropped_by_the_next_sweep(postgres_database: str) -> None:
    """PostgreSQL lets such a database be dropped, and refuses to alter it."""
    connections = Connections(postgres_database)
    name = f"{SCRATCH_PREFIX}rehearsal_cut_off"
    async with connections.maintenance(purpose="test") as connection:
        await connection.execute(f'CREATE DATABASE "{name}"')
        await postgres_scratch.mark(connection, name, {})
        # What DROP DATABASE writes before it removes the files.
        await connection.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = $1", name)

    await postgres_scratch.drop(connections.at(name))

    assert name not in await postgres_scratch.scratch(connections)
    assert name not in await postgres_scratch.lookalikes(connections)
