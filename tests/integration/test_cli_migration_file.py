"""`python migrations/<file>.py`: the file hands itself to the command line and goes through the same gates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application import approving, planning
from skill_server.application.application import Application
from tests.support.command_line import Ended, program
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, require_no_secret, require_readable

Place = tuple[Project, Application]
CHANGE = {"kind": "add_field", "entity": "items", "field": "condition", "type": "Text", "default": "unknown"}
FIELD = '    condition: Mapped[str | None] = mapped_column(Text, server_default="unknown")\n'


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project with one pending migration."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await call(app, "detect_db_type")
        await call(app, "generate_migration", summary="Add condition", reason="Asked for.", changes=[CHANGE])
        project.models.write_text(project.models.read_text() + FIELD)
        yield project, app


def the_file(project: Project) -> Path:
    """Return the only migration file."""
    (found,) = project.migrations.glob("*.py")
    return found


async def run(project: Project, file: Path, *arguments: str) -> Ended:
    """Run a file as a program from a folder of no meaning, without naming the project in the environment."""
    environment = {k: v for k, v in project.environment.items() if k != "DATABASE_MIGRATION_PROJECT"}
    ended = await program(str(file), *arguments, environment=environment, folder=project.root.parent)
    require_no_secret(project, ended.told)
    return ended


async def test_a_file_run_as_a_program_shows_is_refused_and_applies_with_its_receipts(place: Place) -> None:
    """Without a plan it shows, without receipts it is refused, and with them it applies exactly that plan."""
    project, app = place
    before = await content(app)
    file = the_file(project)
    shown = await run(project, file, "--json")
    assert (shown.status, shown.json["state"]) == (0, "shown"), shown.told
    plan_id = shown.json["plan_id"]
    refused = await run(project, file, "--plan-id", plan_id, "--json")
    assert refused.status == 1
    assert {"backup_is_verified", "rehearsal_passed", "person_approved"} <= set(refused.json["missing"])
    assert await content(app) == before

    await call(app, "review_migration")
    await call(app, "backup")
    assert (await call(app, "rehearse_migration", plan_id=plan_id)).ok
    session = await app.session(None)
    await approving.approve_by_answer(session, planning.recall(session, plan_id))
    applied = await run(project, file, "--plan-id", plan_id)
    assert applied.status == 0, applied.told
    assert f"{file.stem} is applied to both databases" in applied.out
    assert (await call(app, "migration_status")).applied_total == 1


async def test_nothing_in_the_file_can_go_around_the_gates(place: Place) -> None:
    """The program hands over its name alone: changed words in it are read as data, and refused as such."""
    project, app = place
    before = await content(app)
    file = the_file(project)
    file.write_text(file.read_text().replace("def upgrade(op):", "def upgrade(op):\n    print(op)"))
    ended = await run(project, file, "--json")
    assert ended.status == 1
    found = ended.json
    phrases = (file.name, "is not a call of op")
    require_readable(
        found["code"], found["message"], found["help"], code="migration-not-readable", phrases=phrases
    )
    assert await content(app) == before


async def test_a_copy_of_the_file_elsewhere_does_not_stand_for_it(place: Place) -> None:
    """What was run is not what would have been applied, so it is refused."""
    project, _ = place
    file = the_file(project)
    for folder in (project.root.parent / "copies" / "migrations", project.root / "app"):
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / file.name
        copy.write_text(file.read_text())
        ended = await run(project, copy)
        assert ended.status == 1
        assert "does not lie in the migrations folder of a configured project" in ended.errors


async def test_a_nearer_project_file_without_a_configuration_is_passed_by(place: Place) -> None:
    """A package inside the project has a pyproject.toml of its own, which says nothing of migrations."""
    project, _ = place
    configuration = project.root / "database-migration.toml"
    folder = project.root / "service" / "migrations"
    folder.mkdir(parents=True)
    (folder.parent / "pyproject.toml").write_text("[project]\nname = 'service'\n")
    file = the_file(project).rename(folder / the_file(project).name)
    configuration.write_text(f'migrations = "service/migrations"\n{configuration.read_text()}')
    shown = await run(project, file, "--json")
    assert (shown.status, shown.json["state"]) == (0, "shown"), shown.told


async def test_a_broken_configuration_is_named_by_the_file_too(place: Place) -> None:
    """The file says what is wrong with the project, not that it has none."""
    project, _ = place
    (project.root / "database-migration.toml").write_text("targets = [")
    ended = await run(project, the_file(project), "--json")
    assert (ended.status, ended.json["code"]) == (1, "configuration-invalid")
