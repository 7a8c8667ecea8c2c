"""A rehearsal counts for the code that its tests ran, and for no other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skill_server.application import planning, rehearsing
from skill_server.application.application import Application
from skill_server.model.plan import Plan
from tests.support.project import a_project
from tests.workflow.test_rehearsal_forecast import planned


async def line_of_tests(app: Application, plan: Plan) -> str | None:
    """Return the code of the gate's line on tests, None where it is met."""
    session = await app.session(None)
    checklist = await session.checklist("upgrade", plan)
    (line,) = [item for item in checklist.items if item.id == "both_backends_are_tested"]
    return line.code


async def test_tests_that_were_changed_after_they_passed_are_run_again(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result of other tests would open the upgrade for code that nobody tried."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        tests = project.root / "checks.py"
        tests.write_text("open('report.json', 'w').write('{}')")
        file = project.root / "database-migration.toml"
        file.write_text(f'test_command = ["{sys.executable}", "checks.py"]\n{file.read_text()}')
        plan_id = await planned(app, project)
        plan = planning.recall(await app.session(None), plan_id).plan

        async def rehearsed() -> tuple[bool, int]:
            report, receipt = await rehearsing.rehearse_plan(await app.session(None), plan_id)
            return report.passed, receipt.seq

        passed, first = await rehearsed()
        assert passed
        assert await rehearsed() == (True, first)
        assert await line_of_tests(app, plan) is None

        tests.write_text("raise SystemExit(1)")
        assert await line_of_tests(app, plan) == "tests-outdated"
        passed, second = await rehearsed()
        assert (passed, second > first) == (False, True)
        assert await line_of_tests(app, plan) == "tests-missing"

        tests.write_text("open('report.json', 'w').write('{}')")
        passed, third = await rehearsed()
        assert (passed, third > second) == (True, True)
        assert await line_of_tests(app, plan) is None
