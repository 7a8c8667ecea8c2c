"""A server process that is killed while it takes or proves a backup: there is no backup, and the next one is whole."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from skill_server import changes
from skill_server.application import generating
from skill_server.application.application import Application
from skill_server.backup import scratch
from skill_server.backup.manifest import MANIFEST_FILE
from skill_server.errors import Refused
from skill_server.model.receipt import EventKind
from tests.support.killed import LEDGER, gone, killed_once, tool_of
from tests.support.project import Project, a_project, content
from tests.support.refusals import call

# More than all buffers between a client tool and the product, and many batches of a driver.
BIG = (
    "CREATE TABLE big AS SELECT i AS id, repeat(md5(i::text), 30) AS line FROM generate_series(1, 8000) AS i"
)


def backups(project: Project) -> Path:
    """Return the folder of the backups."""
    return project.root / ".database-migration" / "backups"


def labels(project: Project) -> list[str]:
    """Name the folders that bear the name of a backup; one that is not whole yet is hidden."""
    return [path.name for path in backups(project).iterdir() if not path.name.startswith(".")]


def files(project: Project) -> list[Path]:
    """Return every file below the folder of the backups."""
    return [path for path in backups(project).rglob("*") if path.is_file()]


class Moment:
    """A moment of a backup, and the client tool that runs in it, which is stopped there so that it lasts."""

    def __init__(self, project: Project, name: str) -> None:
        self._project = project
        self._name = name
        self.tool: psutil.Process | None = None

    async def has_come(self, process: psutil.Process) -> bool:
        """Say whether the moment has come, and make it last."""
        if self._name == "MongoDB is dumped":
            return any(path.suffix == ".partial" for path in backups(self._project).glob("*/mongodb/**/*"))
        self.tool = tool_of(process, "pg_dump" if self._name == "PostgreSQL is dumped" else "pg_restore")
        if self.tool is None:
            return False
        os.kill(self.tool.pid, signal.SIGSTOP)
        return True

    async def is_over(self) -> None:
        """Let the orphaned tool go on, and wait for its end, which nobody else brings about."""
        if self.tool is not None:
            os.kill(self.tool.pid, signal.SIGCONT)
            await gone(self.tool)


async def fill_more(project: Project) -> None:
    """Give both databases so much content that a backup has a middle."""
    await project.on_postgres(BIG)
    database = project.on_mongodb()
    async with database.client:
        await database["big"].insert_many([{"_id": key, "line": os.urandom(500)} for key in range(4000)])


async def receipts(project: Project) -> int:
    """Return how many receipts of backups the ledgers of both databases hold together."""
    kept = await project.on_postgres(f"SELECT to_jsonb(e)::text AS event FROM {LEDGER}.event AS e")
    database = project.on_mongodb()
    async with database.client:
        documents = await database[f"{LEDGER}.event"].find({"kind": EventKind.BACKUP}).to_list(None)
    return len(documents) + sum('"kind": "backup"' in row["event"] for row in kept)


async def a_plan(app: Application, project: Project) -> str:
    """Write a migration and return its plan."""
    await call(app, "detect_db_type")
    await generating.generate(
        await app.session(None),
        summary="Add rating",
        reason="Asked for.",
        changes=[changes.build("add_field", entity="items", field="rating", type="Integer", default=7)],
        not_applicable={},
        acknowledged={},
    )
    project.add_to_models('rating: Mapped[int | None] = mapped_column(Integer, server_default=text("7"))')
    shown = await call(app, "run_upgrade")
    assert shown.state == "shown"
    return shown.plan_id


async def copies_left(app: Application) -> set[str]:
    """Name the scratch databases of both servers that belong to this target."""
    session = await app.session(None)
    mark = f"_{session.identity.ledger_id[: scratch.OWNER_DIGITS]}_"
    return {name for backend in session.pair for name in await backend.scratch() if mark in name}


@pytest.mark.parametrize("moment", ["PostgreSQL is dumped", "MongoDB is dumped", "the backup is proven"])
async def test_a_backup_that_was_killed_is_none_and_the_next_one_is_whole(
    tmp_path: Path,
    postgres_database: str,
    mongo_database: str,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """`kill -9` runs no handler, so nothing that it leaves on disk or on a server may be taken for a backup."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await fill_more(project)
        plan_id = await a_plan(app, project)
        before = await content(app)
        reached = Moment(project, moment)
        await killed_once(project, ("backup", "--json"), reached.has_come)
        await reached.is_over()

        left = files(project)
        proving = moment == "the backup is proven"
        assert left
        assert any(path.name == MANIFEST_FILE for path in left) is proving
        assert len(labels(project)) == (1 if proving else 0)
        if moment == "PostgreSQL is dumped":
            assert {path.suffix for path in left} == {".partial"}
        assert bool(await copies_left(app)) is proving
        assert await receipts(project) == 0
        with pytest.raises(Refused) as refusal:
            await call(app, "run_upgrade", plan_id=plan_id)
        assert refusal.value.code == "backup-missing"

        taken = await call(app, "backup")

        session = await app.session(None)
        assert await copies_left(app) == set(scratch.template_names(session.identity, taken.label).values())
        assert [path.name for path in backups(project).iterdir()] == [taken.label]
        assert await receipts(project) == 2
        assert await content(app) == before
