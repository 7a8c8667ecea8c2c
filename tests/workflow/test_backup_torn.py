"""F40: MongoDB is written to until the end of its dump, and from the result to the gates everything says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application import planning, rehearsing
from skill_server.application.application import Application
from skill_server.backends.base import Progress
from skill_server.backends.mongo.backend import MongoBackend
from skill_server.backends.mongo.backup import dump_reads
from skill_server.backends.sealing import Seal
from skill_server.backup import manifest as manifests
from skill_server.errors import Refused
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import DumpResult
from skill_server.tools.backup import BackupResult, backup
from tests.support.project import Project, a_project
from tests.workflow.test_rehearsal_forecast import planned


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Project, Application]]:
    """A filled project and an application on it."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as made:
        yield made


async def disturbed_backup(
    app: Application, project: Project, monkeypatch: pytest.MonkeyPatch
) -> BackupResult:
    """Take a backup through the tool, while documents change as often as the dump says how far it is."""
    database, dump = project.on_mongodb(), MongoBackend.dump

    async def beside_a_writer(
        self: MongoBackend, directory: Path, progress: Progress, *, seal: Seal | None = None
    ) -> DumpResult:
        async def write(*_: object) -> None:
            await database["item"].update_many({}, {"$inc": {"Quantity": 1}})

        return await dump(self, directory, write, seal=seal)

    async with database.client:
        with monkeypatch.context() as patched:
            patched.setattr(MongoBackend, "dump", beside_a_writer)
            return await backup(app)


async def test_a_backup_that_was_written_to_until_its_end_says_so_and_opens_no_change(
    place: tuple[Project, Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its halves hold, each value was compared, and still its documents may be of several moments."""
    project, app = place
    plan_id = await planned(app, project)

    torn = await disturbed_backup(app, project, monkeypatch)
    if torn.databases["mongodb"]["tool"] == dump_reads.IN_SNAPSHOT:
        # A snapshot that isolates is of one moment, whoever writes beside it.
        assert torn.databases["mongodb"]["point_in_time"]
        return
    taken = manifests.read(project.root / ".database-migration" / "backups" / torn.label)
    session = await app.session(None)
    plan = planning.recall(session, plan_id).plan
    gates = {item.id: item for item in (await session.checklist("upgrade", plan)).items}
    with pytest.raises(Refused) as refusal:
        await rehearsing.rehearse_plan(session, plan_id)
    quiet = await backup(app)
    report, _ = await rehearsing.rehearse_plan(await app.session(None), plan_id)
    restored = await planning.propose_restore(await app.session(None), torn.label)

    assert not torn.databases["mongodb"]["point_in_time"]
    assert torn.databases["postgres"]["point_in_time"]
    assert "opens no change" in torn.summary
    assert torn.next_tool == "backup"
    assert {kind: dump.point_in_time for kind, dump in taken.dumps.items()} == {
        BackendKind.POSTGRES: True,
        BackendKind.MONGODB: False,
    }
    assert gates["backup_is_verified"].code is None
    assert gates["backup_is_of_one_moment"].code == "backup-not-point-in-time"
    assert (refusal.value.code, refusal.value.next_tool) == ("backup-not-point-in-time", "backup")
    assert "Quiet the application" in refusal.value.help
    # It may be the only way back there is, so it can be restored, with a warning.
    assert "backup-not-point-in-time" in [finding.rule for finding in restored.findings]
    assert "opens no change" not in quiet.summary
    assert (quiet.next_tool, quiet.next_args["plan_id"]) == ("rehearse_migration", plan_id)
    assert report.passed, report.problems
