"""Records that MongoDB deletes by their age, through a rehearsal and a restore."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from skill_server.application import (
    approving,
    backing_up,
    detecting,
    planning,
    rehearsing,
    restoring,
)
from skill_server.backends.pair import Pair
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Checksums
from tests.support.project import Project, a_project
from tests.support.servers import mongodb_client
from tests.workflow.bench import add_rating

LIVES_S, NEVER = 3600, 2**31 - 1
# What an application does at its start. Where an index of another time is there, the server refuses.
STARTS = (
    "import os, pymongo; "
    "found = pymongo.MongoClient(os.environ['MONGO_URI']).get_default_database()['session']; "
    f"found.create_index('at', name='by at', expireAfterSeconds={LIVES_S})"
)


async def make_sessions(project: Project) -> None:
    """Make a collection of documents that expire."""
    async with mongodb_client(project.mongodb_url) as client:
        sessions = client.get_default_database()["session"]
        await sessions.insert_many([{"_id": key, "at": datetime.now(UTC)} for key in range(5)])
        await sessions.create_index("at", name="by at", expireAfterSeconds=LIVES_S)


async def time_of(project: Project) -> int:
    """Return after how many seconds the server deletes them."""
    async with mongodb_client(project.mongodb_url) as client:
        found = await client.get_default_database()["session"].index_information()
        return found["by at"]["expireAfterSeconds"]


async def test_the_projects_tests_find_the_times_of_the_live_database(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application makes sure of its indexes at its start, and would fail on a copy where they are held."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        file = project.root / "database-migration.toml"
        file.write_text(f'test_command = ["{sys.executable}", "-c", "{STARTS}"]\n{file.read_text()}')
        await make_sessions(project)
        await detecting.detect_databases(app, None)
        await add_rating(project, app)
        proposal = await planning.propose_upgrade(await app.session(None), "head")
        await backing_up.back_up(await app.session(None))

        report, _ = await rehearsing.rehearse_plan(await app.session(None), proposal.plan.id)

        assert report.passed, report.problems


async def test_records_expire_again_only_after_a_restore_was_compared(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is past its time by now would be gone between the switch and the comparison, and look lost."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await make_sessions(project)
        await detecting.detect_databases(app, None)
        taken, *_ = await backing_up.back_up(await app.session(None))
        proposal = await planning.propose_restore(await app.session(None), taken.label)
        await approving.approve_by_answer(await app.session(None), proposal)
        times: list[int] = []
        checksums = Pair.checksums

        async def watched(self: Pair) -> dict[BackendKind, Checksums]:
            times.append(await time_of(project))
            return await checksums(self)

        with monkeypatch.context() as patched:
            patched.setattr(Pair, "checksums", watched)
            outcome = await restoring.restore(await app.session(None), proposal)
        times.append(await time_of(project))

        assert outcome.body["differences"] == []
        assert times[-2:] == [NEVER, LIVES_S]
