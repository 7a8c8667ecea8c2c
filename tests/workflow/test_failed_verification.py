"""A verification that failed after a change holds up the next one until one that looks as deep passes."""

from __future__ import annotations

import pytest

from skill_server import changes
from skill_server.application import applying, backing_up, generating, planning
from skill_server.application.application import Application
from skill_server.errors import Refused
from skill_server.gate.verdict import ChecklistItem, State
from skill_server.model.plan import Plan
from skill_server.verify.context import Depth
from tests.support.project import Project
from tests.workflow.bench import Bench, of, upgraded, verified
from tests.workflow.test_whole_workflow import ready


async def planned(project: Project, app: Application) -> Plan:
    """Write a second migration and return its plan."""
    await generating.generate(
        await app.session(None),
        summary="Add shelf",
        reason="The shop floor asks for it.",
        changes=[changes.build("add_field", entity="items", field="shelf", type="Text")],
        not_applicable={},
        acknowledged={},
    )
    project.add_to_models("shelf: Mapped[str | None] = mapped_column(Text)")
    return (await planning.propose_upgrade(await app.session(None), "head")).plan


async def line(app: Application, plan: Plan) -> ChecklistItem:
    """Return the gate's line on the verification of the last change."""
    checklist = await (await app.session(None)).checklist(plan.kind, plan)
    (found,) = [item for item in checklist.items if item.id == "last_change_is_verified"]
    return found


async def test_a_failed_verification_holds_up_the_next_upgrade_until_it_passes(bench: Bench) -> None:
    """What passed before the harm was done says nothing of it, and what does not look there neither."""
    project, app, database = bench
    revision = await upgraded(project, app)
    back = (await planning.propose_downgrade(await app.session(None), revision)).plan
    plan = await planned(project, app)
    assert (await line(app, plan)).state is State.MET
    await database["item"].update_one({"ItemID": 2}, {"$set": {"OwnerID": 999}})
    assert not (await verified(app, Depth.FULL)).passed

    stopped = await line(app, plan)
    assert (stopped.code, stopped.next_tool) == ("verification-failed", "verify_integrity")
    assert stopped.next_args["depth"] == "full"
    assert "references: mongodb items.OwnerID: 1 records name a record of owners" in stopped.evidence
    assert (await line(app, back)).state is State.MET

    assert (await verified(app, Depth.QUICK)).passed
    await ready(app, plan.id)
    session = await app.session(None)
    with pytest.raises(Refused) as refusal:
        await applying.apply(session, await planning.propose_upgrade(session, "head"))
    assert refusal.value.code == "verification-failed"
    assert refusal.value.next_tool == "verify_integrity"

    await database["item"].update_one({"ItemID": 2}, {"$set": {"OwnerID": 3}})
    assert (await verified(app, Depth.FULL)).passed
    assert (await line(app, plan)).state is State.MET
    await applying.apply(session, await planning.propose_upgrade(await app.session(None), "head"))


async def test_a_constraint_for_new_records_only_holds_up_nothing(bench: Bench) -> None:
    """It was there before the change and is meant to be, so it is told and the next migration may run."""
    project, app, _ = bench
    await project.on_postgres('ALTER TABLE items ADD CONSTRAINT old CHECK ("Quantity" < 5) NOT VALID')
    await upgraded(project, app)
    report = await verified(app, Depth.FULL)
    assert not of(report, "index_validity").passed
    plan = await planned(project, app)
    assert (await line(app, plan)).state is State.MET

    await project.on_postgres('ALTER TABLE items ADD CONSTRAINT newer CHECK ("Quantity" < 6) NOT VALID')
    await backing_up.back_up(await app.session(None))
    await verified(app, Depth.QUICK)
    stopped = await line(app, plan)
    assert "constraint newer of items was never validated" in stopped.evidence
    assert "constraint old" not in stopped.evidence
