"""A rehearsal that counts is not played again, and what it forecasts is shown, kept and held against production."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from skill_server.application import backing_up, detecting, offering, planning, rehearsing
from skill_server.application.application import Application
from skill_server.application.offering import Call
from skill_server.backends.base import no_progress
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.tools.rehearse_migration import rehearse_migration
from tests.support.project import Project, a_project
from tests.workflow.bench import add_rating

STRICT = "\n[policy]\nforecast_longest_lock_s = 0.000001\nforecast_longest_run_s = 0.000001\n"


async def planned(app: Application, project: Project, acknowledged: dict[str, str] | None = None) -> str:
    """Write a migration that locks items, back up, and return the id of its plan."""
    await detecting.detect_databases(app, None, by_person=True)
    await add_rating(project, app, acknowledged)
    proposal = await planning.propose_upgrade(await app.session(None), "head")
    await backing_up.back_up(await app.session(None))
    return proposal.plan.id


async def rehearsals(app: Application) -> list[Event]:
    """Return the receipts of all rehearsals."""
    return [event for event in (await app.session(None)).events if event.kind is EventKind.REHEARSAL]


async def test_a_rehearsal_that_passed_is_returned_at_once_until_there_is_a_new_backup(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes minutes on large data, and the same plan on the same copy shows the same."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        plan_id = await planned(app, project)
        first = await rehearse_migration(app, plan_id)
        second = await rehearse_migration(app, plan_id)

        assert (first.state, second.state) == ("rehearsed", "known")
        assert second.acts == first.acts
        assert second.forecast == first.forecast
        assert len(await rehearsals(app)) == 1
        await backing_up.back_up(await app.session(None))
        assert (await rehearse_migration(app, plan_id)).state == "rehearsed"


async def test_a_failed_rehearsal_is_played_again(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed may have been mended outside of the plan, as the project's tests are."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        file = project.root / "database-migration.toml"
        command = 'test_command = ["python3", "-c", "raise SystemExit(not __import__(\'os\').path.exists(\'fine\'))"]\n'
        file.write_text(command + file.read_text())
        plan_id = await planned(app, project)
        assert not (await rehearse_migration(app, plan_id)).ok
        (project.root / "fine").touch()
        again = await rehearse_migration(app, plan_id)

        assert (again.ok, again.state, len(await rehearsals(app))) == (True, "rehearsed", 2)


async def test_the_forecast_is_in_the_receipt_and_beside_the_plan(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who approves wants to know how long nobody can work."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        plan_id = await planned(app, project)
        call = Call(PlanKind.UPGRADE, "head", None, None)
        before = await offering.offer(app, call, no_progress)
        report, receipt = await rehearsing.rehearse_plan(await app.session(None), plan_id)
        after = await offering.offer(app, call, no_progress)

    assert report.forecast is not None
    assert receipt.body["forecast"] == report.forecast.model_dump(mode="json")
    assert before["plan"]["forecast"] is None
    assert before["plan"]["question"] == after["plan"]["question"]
    shown = after["plan"]["forecast"]
    assert 0 < shown["longest_blocking_s"] <= shown["seconds"] < 60
    assert shown["wal_bytes"] > 0
    locks = shown["on_the_copy"]["locks"]
    assert [(lock["entity"], lock["mode"], lock["stops"]) for lock in locks] == [
        ("items", "AccessExclusiveLock", "readers and writers")
    ]
    assert {step["backend"] for step in shown["on_the_copy"]["steps"]} == {"postgres", "mongodb"}


@pytest.mark.parametrize("environment", ["development", "production"])
async def test_a_forecast_over_the_policy_warns_and_stops_production_alone(
    tmp_path: Path,
    postgres_database: str,
    mongo_database: str,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
) -> None:
    """A lock that is too long for production is found before it is taken there."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        file = project.root / "database-migration.toml"
        text = file.read_text().replace('environment = "development"', f'environment = "{environment}"')
        file.write_text(text + STRICT)
        plan_id = await planned(app, project)
        told = await rehearse_migration(app, plan_id)
        shown = await offering.offer(app, Call(PlanKind.UPGRADE, "head", None, None), no_progress)

    severity = "error" if environment == "production" else "warning"
    rules = {"blocks-longer-than-policy": severity, "runs-longer-than-policy": severity}
    assert told.ok
    assert {found["rule"]: found["severity"] for found in told.forecast["findings"]} == rules
    assert ("forecast_is_within_policy" in shown["missing"]) is (environment == "production")


async def test_an_acknowledged_finding_opens_production_and_is_in_the_question(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who signs reads that the application may stop."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        file = project.root / "database-migration.toml"
        text = file.read_text().replace('environment = "development"', 'environment = "production"')
        file.write_text(text + STRICT)
        why = {"blocks-longer-than-policy": "Sunday", "runs-longer-than-policy": "Sunday"}
        plan_id = await planned(app, project, why)
        await rehearsing.rehearse_plan(await app.session(None), plan_id)
        shown = await offering.offer(app, Call(PlanKind.UPGRADE, "head", None, None), no_progress)

    assert shown["missing"] == ["person_approved"]
    assert "MAY STOP the application" in shown["plan"]["question"]
    assert "Code may go on using" not in shown["plan"]["question"]


async def test_copies_are_made_on_the_server_that_is_configured_for_them(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it is the same server under another name, which is fine as long as it names another database."""
    monkeypatch.setenv("OTHER_POSTGRES", postgres_database.rpartition("/")[0] + "/postgres")
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        file = project.root / "database-migration.toml"
        file.write_text(file.read_text() + 'rehearsal_postgres = "OTHER_POSTGRES"\n')
        plan_id = await planned(app, project)
        target = await app.target(None)
        assert target.rehearsal is not target.pair
        assert (await rehearse_migration(app, plan_id)).ok
        connection = await asyncpg.connect(postgres_database)
        left = await connection.fetchval(
            "SELECT count(*) FROM pg_database WHERE starts_with(datname, 'dbm_scratch_rehearsal_')"
        )
        await connection.close()

    assert left == 0
