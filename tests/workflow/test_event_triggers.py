"""A database that writes down every change of its schema: it can be backed up, restored and migrated."""

from __future__ import annotations

from pathlib import Path

import pytest

from skill_server.application import (
    applying,
    approving,
    backing_up,
    detecting,
    planning,
    rehearsing,
    restoring,
    verifying,
)
from skill_server.application.application import Application
from skill_server.run.saga import Ending
from skill_server.verify.context import Depth
from tests.support.project import Project, a_project
from tests.workflow.bench import add_rating
from tests.workflow.test_restore import proposed

NOTING = (
    "CREATE TABLE ddl_log (at timestamptz DEFAULT now(), tag text)",
    "CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS "
    "$$BEGIN INSERT INTO public.ddl_log (tag) VALUES (tg_tag); END$$",
    "CREATE MATERIALIZED VIEW summed AS SELECT count(*) AS items FROM items",
    "CREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION log_ddl()",
)
NAMED = '\n[policy]\nwritten_by_triggers = ["ddl_log"]\n'


async def noted(project: Project) -> int:
    """Return how many commands were written down."""
    (row,) = await project.on_postgres("SELECT count(*) AS commands FROM ddl_log")
    return row["commands"]


async def planned(app: Application) -> planning.Proposal:
    """Plan the upgrade that is waiting, and back up for it."""
    session = await app.session(None)
    proposal = await planning.propose_upgrade(session, "head")
    await backing_up.back_up(session)
    return proposal


async def test_a_log_of_all_commands_hinders_no_migration_once_it_is_named(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy writes into it as well, which looks like content that a plan had no business with."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        for statement in NOTING:
            await project.on_postgres(statement)
        await detecting.detect_databases(app, None)
        await add_rating(project, app)
        proposal = await planned(app)
        report, _ = await rehearsing.rehearse_plan(await app.session(None), proposal.plan.id)
        assert not report.passed
        assert "event triggers noting run" in report.problems[0]
        assert "policy.written_by_triggers" in report.problems[0]
        assert "ddl_log" in report.problems[1]

        configuration = project.root / "database-migration.toml"
        configuration.write_text(configuration.read_text() + NAMED)
        again = await planned(app)
        assert again.plan.id != proposal.plan.id
        assert "own triggers write to it: ddl_log" in again.question
        report, _ = await rehearsing.rehearse_plan(await app.session(None), again.plan.id)
        assert report.passed, report.problems
        before = await noted(project)
        session = await app.session(None)
        await approving.approve_by_answer(session, again)
        outcome = await applying.apply(
            session, await planning.propose_upgrade(session, "head", again.plan.id)
        )
        assert outcome.body["result"] == Ending.APPLIED, outcome.body["problem"]
        assert await noted(project) > before
        assert (await verifying.verify_target(await app.session(None), Depth.FULL)).passed


async def test_a_log_of_all_commands_comes_back_as_it_was_backed_up(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restoring consists of commands too, and so does carrying the ledger over."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        for statement in NOTING:
            await project.on_postgres(statement)
        before = await noted(project)
        taken, *_ = await backing_up.back_up(await app.session(None))
        await project.on_postgres("CREATE TABLE forgotten (a int)")
        proposal = await proposed(app, taken.label)
        await restoring.restore(await app.session(None), proposal)

        assert await noted(project) == before
        await project.on_postgres("CREATE TABLE known (a int)")
        assert await noted(project) == before + 1
