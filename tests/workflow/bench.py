"""A filled project on real servers, and how its verification is asked."""

from __future__ import annotations

from typing import Any

from skill_server import changes
from skill_server.application import applying, generating, planning, verifying
from skill_server.application.application import Application
from skill_server.verify.context import Depth
from skill_server.verify.report import CheckResult, VerificationReport
from tests.support.project import Project
from tests.workflow.test_whole_workflow import ready

Bench = tuple[Project, Application, Any]


async def verified(app: Application, depth: Depth) -> VerificationReport:
    """Verify as the tool does."""
    return await verifying.verify_target(await app.session(None), depth)


def of(report: VerificationReport, check: str) -> CheckResult:
    """Return the result of one check."""
    return next(result for result in report.checks if result.check == check)


async def only_problem(app: Application, check: str, depth: Depth) -> str:
    """Verify, and return the one problem of the one check that failed."""
    report = await verified(app, depth)
    failed = {result.check: result.problems for result in report.checks if not result.passed}
    assert list(failed) == [check], failed
    (problem,) = failed[check]
    return problem


async def add_rating(project: Project, app: Application, acknowledged: dict[str, str] | None = None) -> None:
    """Write a migration that adds a field to items, and the model that goes with it."""
    await generating.generate(
        await app.session(None),
        summary="Add rating",
        reason="Asked for.",
        changes=[changes.build("add_field", entity="items", field="rating", type="Integer")],
        not_applicable={},
        acknowledged=acknowledged or {},
    )
    project.add_to_models("rating: Mapped[int | None] = mapped_column(Integer)")


async def upgraded(project: Project, app: Application) -> str:
    """Apply a small migration to both databases and return its revision."""
    session = await app.session(None)
    made = await generating.generate(
        session,
        summary="Add condition",
        reason="The shop floor asks for it.",
        changes=[changes.build("add_field", entity="items", field="condition", type="String(40)")],
        not_applicable={},
        acknowledged={},
    )
    project.add_to_models("condition: Mapped[str | None] = mapped_column(String(40))")
    proposal = await planning.propose_upgrade(await app.session(None), "head")
    await ready(app, proposal.plan.id)
    session = await app.session(None)
    await applying.apply(session, await planning.propose_upgrade(session, "head"))
    return made.migration.revision
