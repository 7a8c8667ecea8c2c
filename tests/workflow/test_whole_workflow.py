"""The whole workflow through the application, on a real PostgreSQL and a real MongoDB-protocol server."""

from pathlib import Path

import pytest

from skill_server import changes
from skill_server.application import (
    applying,
    approving,
    backing_up,
    detecting,
    generating,
    planning,
    rehearsing,
    restoring,
    reviewing,
    verifying,
)
from skill_server.application.application import Application
from skill_server.errors import Refused
from skill_server.model import content as contents
from skill_server.model.receipt import EventKind
from skill_server.verify.context import Depth
from tests.support.project import Project, a_project, content


async def ready(app: Application, plan_id: str) -> None:
    """Back up, rehearse and approve a plan."""
    session = await app.session(None)
    await backing_up.back_up(session)
    report, _ = await rehearsing.rehearse_plan(session, plan_id)
    assert report.passed, report.problems
    await approving.approve_by_answer(session, planning.recall(session, plan_id))


async def test_up_and_down_again_leave_schema_and_content_as_they_were(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The main job: add and rename, verified, and taken back without a trace on both databases."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        before = await content(app)
        plan_id = await _upgraded(project, app)
        session = await app.session(None)
        assert (await verifying.verify_target(session, Depth.FULL)).passed

        project.edit_models("description: Mapped", "ItemDesc: Mapped")
        project.models.write_text(project.models.read_text().replace(_CONDITION, ""))
        back = await planning.propose_downgrade(await app.session(None), "head")
        await ready(app, back.plan.id)
        session = await app.session(None)
        await applying.apply(session, await planning.propose_downgrade(session, "head"))
        after = await content(app)
        assert after[0] == before[0]
        assert contents.compare(before[1], after[1]) == ()
        assert back.plan.id != plan_id


async def test_a_restore_ends_the_promises_of_the_upgrade_that_it_took_back(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking for the added field after the emergency way back would find no such field."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        await _upgraded(project, app)
        session = await app.session(None)
        label = next(event.bound["label"] for event in session.events if event.kind is EventKind.BACKUP)
        proposal = await planning.propose_restore(session, label)
        await approving.approve_by_answer(session, proposal)
        await restoring.restore(await app.session(None), proposal)
        await detecting.detect_databases(app, None)

        assert (await verifying.verify_target(await app.session(None), Depth.QUICK)).passed


_CONDITION = '    condition: Mapped[str | None] = mapped_column(String(40), server_default="unknown")\n'


async def _upgraded(project: Project, app: Application) -> str:
    session = await app.session(None)
    made = await generating.generate(
        session,
        summary="Add condition",
        reason="The shop floor asks for it.",
        changes=[
            changes.build(
                "add_field", entity="items", field="condition", type="String(40)", default="unknown"
            ),
            changes.build("rename_field", entity="items", field="ItemDesc", to="description"),
        ],
        not_applicable={},
        acknowledged={},
    )
    project.edit_models("ItemDesc: Mapped", "description: Mapped")
    project.models.write_text(project.models.read_text() + _CONDITION)
    session = await app.session(None)
    reviewed = await reviewing.review_revision(session, made.migration.revision)
    plan_id = reviewed.proposal.plan.id
    with pytest.raises(Refused, match="backup"):
        await applying.apply(session, reviewed.proposal)
    await ready(app, plan_id)
    session = await app.session(None)
    outcome = await applying.apply(session, await planning.propose_upgrade(session, "head"))
    assert outcome.body["result"] == "applied"
    return plan_id
