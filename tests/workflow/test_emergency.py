"""Where a downgrade leads nowhere, the refusal itself names the restore that leads out, label and all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skill_server import changes
from skill_server.application import approving, backing_up, detecting, generating, planning
from skill_server.application.application import Application
from skill_server.backends.base import RunPolicy
from skill_server.errors import MigrationError
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event, EventKind
from skill_server.run import saga
from skill_server.run.saga import Ending
from tests.support.project import Project, a_project
from tests.support.refusals import call

Place = tuple[Project, Application, str]


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project with an applied upgrade that has a backup from before it, whose label is the last part."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        before = await backed_up(app)
        dropped = changes.build("drop_field", entity="items", field="Price")
        await generating.generate(
            await app.session(None),
            summary="Drop the price",
            reason="Unused.",
            changes=[dropped],
            not_applicable={},
            acknowledged={},
        )
        plan = (await planning.propose_upgrade(await app.session(None), "head")).plan
        session = await app.session(None)
        assert (await saga.carry_out(session.pair, plan, RunPolicy())).ending is Ending.APPLIED
        await recorded(app, plan, "applied")
        yield project, app, before


async def backed_up(app: Application) -> str:
    """Take a backup and return its label."""
    return (await backing_up.back_up(await app.session(None)))[0].label


async def recorded(app: Application, plan: Plan, result: str, kind: PlanKind | None = None) -> Event:
    """Write into the ledger that a plan was begun and how it ended, as a run does; gates are no part of this."""
    session = await app.session(None)
    ledger = session.target.ledger
    bound = {
        "plan": plan.id,
        "ledger": session.identity.ledger_id,
        "kind": kind or plan.kind,
        "revision": plan.revision or "",
        "subject": plan.subject,
    }
    await ledger.record(EventKind.STARTED, bound=bound, body={})
    body: dict[str, Any] = {"result": result, "code": "planted", "problem": "planted", "checks": {}}
    body["after"] = await session.pair.fingerprints()
    return await ledger.record(EventKind.OUTCOME, bound=bound, body=body)


async def refused(app: Application, **given: Any) -> MigrationError:
    """Call run_downgrade and return what it answers."""
    with pytest.raises(MigrationError) as caught:
        await call(app, "run_downgrade", **given)
    return caught.value


async def test_a_downgrade_that_cannot_be_had_leads_to_the_backup_from_before_the_upgrade(
    place: Place,
) -> None:
    """A backup from after the upgrade holds the schema that the person wants to leave."""
    project, app, before = place
    await backed_up(app)
    await project.on_postgres("ALTER TABLE owners ADD COLUMN stray text")
    drifted = await refused(app)
    await project.on_postgres("ALTER TABLE owners DROP COLUMN stray")
    upgrade = next(event for event in (await app.session(None)).events if event.kind is EventKind.PLAN)
    await recorded(app, Plan.model_validate(upgrade.body["plan"]), "applied", PlanKind.FINALIZE)
    finalized = await refused(app)

    assert (drifted.code, finalized.code) == ("schema-drifted", "already-finalized")
    for error in (drifted, finalized):
        assert (error.next_tool, error.next_args["label"]) == ("restore_backup", before)
    shown = await call(app, finalized.next_tool or "", **finalized.next_args)
    assert shown.state == "shown"


async def test_a_downgrade_that_fails_twice_leads_to_a_restore_and_not_to_a_third_try(place: Place) -> None:
    """Once may be a passing cause; the same end again is none."""
    _, app, before = place
    answers: list[MigrationError] = []
    for _ in range(2):
        plan = (await planning.propose_downgrade(await app.session(None), "head")).plan
        await recorded(app, plan, "rolled_back")
        answers.append(await refused(app, plan_id=plan.id))

    assert [error.code for error in answers] == ["rolled-back", "rolled-back"]
    assert answers[0].next_tool == "review_migration"
    assert (answers[1].next_tool, answers[1].next_args["label"]) == ("restore_backup", before)


async def test_a_downgrade_that_ended_half_way_leads_to_the_newest_backup(place: Place) -> None:
    """It loses least, and the status says the same call; what a restore put aside is listed until somebody drops it."""
    _, app, _ = place
    newest = await backed_up(app)
    plan = (await planning.propose_downgrade(await app.session(None), "head")).plan
    await recorded(app, plan, "needs_attention")

    error = await refused(app, plan_id=plan.id)
    status = await call(app, "migration_status")

    assert error.code == "needs-attention"
    assert (error.next_tool, error.next_args["label"]) == ("restore_backup", newest)
    assert (status.next_tool, status.next_args["label"]) == ("restore_backup", newest)
    assert f"restore_backup with label {newest}" in status.way_out
    shown = await call(app, status.next_tool, **status.next_args)
    await approving.approve_by_answer(
        await app.session(None), planning.recall(await app.session(None), shown.plan_id)
    )
    await call(app, "restore_backup", label=newest, plan_id=shown.plan_id)
    after = await call(app, "migration_status")
    assert after.way_out is None
    put_aside = [line["what"] for line in after.retired if "put aside by a restore" in line["what"]]
    assert len(put_aside) == 2


async def test_an_unfinished_restore_is_named_with_the_call_that_ends_it(place: Place) -> None:
    """Whoever finds a restore half-way needs the tool, the label and the plan."""
    _, app, before = place
    plan = (await planning.propose_restore(await app.session(None), before)).plan
    session = await app.session(None)
    await session.target.ledger.record(
        EventKind.STARTED,
        bound={"plan": plan.id, "kind": plan.kind, "revision": ""},
        body={"copies": {}},
    )

    status = await call(app, "migration_status")

    assert status.next_tool == "restore_backup"
    assert status.next_args == {"label": before, "plan_id": plan.id, "target": "development"}
    assert f"restore_backup with label {before} and plan_id {plan.id}" in status.way_out
