"""Stage rehearse: play a plan up, down and up again on copies of the real data."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from skill_server.model.base import JsonObject
from skill_server.model.ids import PlanId
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Rehearse on a copy"
DESCRIPTION = """\
Test a plan on copies of the real data: both databases are restored from the backup, the plan runs up, down and up
again, contents are compared, and the project's own tests run against both copies. Use it after backup and before
run_upgrade, run_downgrade or finalize_migration ("test the migration", "dry run on a copy"). Takes the plan_id that
review_migration or the applying tool showed. Does not touch the live data. Takes minutes on large data; reports
progress. Next: the tool whose plan it is, with the plan_id."""
READ_ONLY = False
DESTRUCTIVE = False
IDEMPOTENT = True
LONG = True
APPLIES = False


class RehearseMigrationResult(Result):
    """What each act of the rehearsal showed, and what it forecasts for the live run."""

    state: str
    operation_id: str
    plan_id: str
    acts: list[JsonObject]
    tests: list[JsonObject]
    forecast: JsonObject = {}


async def rehearse_migration(
    app: "Application",
    plan_id: Annotated[PlanId, Field(description="the id of a plan that was shown")],
    target: TargetName = None,
    progress: Progress = no_progress,
) -> RehearseMigrationResult:
    """Play the plan on copies of its backup, and leave a receipt whatever the result; one that counts still is shown.

    Raises:
        Refused: the plan is unknown, or a precondition does not hold.
    """
    # Imported here because the application brings both drivers' rooms along.
    from skill_server.application import forecasting, offering, planning, rehearsing, views

    session = await app.session(target)
    plan = planning.recall(session, plan_id).plan
    newest = session.events[-1].seq
    async with app.operations.run("rehearse_migration", session.target.name, progress) as (
        operation_id,
        report,
    ):
        rehearsal, receipt = await rehearsing.rehearse_plan(session, plan_id, report)
    call = offering.call_of(plan)
    acts = [
        {
            "act": act.name,
            "passed": act.passed,
            "seconds": round(act.seconds, 2),
            "problems": views.texts(act.problems),
        }
        for act in rehearsal.acts
    ]
    common = {"target": session.target.name}
    if rehearsal.passed:
        since = ", since an earlier call; nothing was done now." if receipt.seq <= newest else "."
        summary = f"Plan {plan_id} passed all {len(acts)} acts on copies of both databases{since}"
        summary += forecasting.forecast_sentence(rehearsal)
        next_tool, next_args = call.tool, {**call.args, **common, "plan_id": plan_id}
    else:
        problems = "; ".join(views.texts(rehearsal.problems))
        summary = f"Plan {plan_id} failed on the copies, and the live databases were not touched: {problems}."
        next_tool, next_args = "review_migration", common
    policy = session.settings.project.policy
    over, _ = views.finding_views(forecasting.forecast_findings(rehearsal, plan, policy))
    return RehearseMigrationResult(
        ok=rehearsal.passed,
        tool="rehearse_migration",
        target=session.target.name,
        summary=summary,
        next_tool=next_tool,
        next_args=next_args,
        state="known" if receipt.seq <= newest else "rehearsed",
        operation_id=operation_id,
        plan_id=plan_id,
        acts=acts,
        tests=[
            {"backend": test.backend, "passed": test.passed, "tail": views.statement_text(test.tail)}
            for test in rehearsal.tests
        ],
        forecast={**(forecasting.forecast_view(rehearsal) or {}), "findings": over},
    )
