"""Stage downgrade: show the way back of the newest applied revision, or take it."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from skill_server.model.ids import RevisionOrHead
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import PlanChoice, PlanResult, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Run the downgrade"
DESCRIPTION = """\
Undo the newest applied migration on both databases ("roll back", "downgrade", "undo the migration"). Without plan_id
it only shows the way back and a plan_id; with that plan_id it applies it. Retired data comes back byte for byte;
records written since keep their values. Needs a fresh backup, a rehearsal of this very plan and a person's approval.
Not for data that was damaged (restore_backup), nor after finalize_migration. Next: verify_integrity."""
READ_ONLY = False
DESTRUCTIVE = True
IDEMPOTENT = True
LONG = True
APPLIES = True


class RunDowngradeResult(PlanResult):
    """The downgrade as planned, or its outcome."""


async def run_downgrade(
    app: "Application",
    revision: Annotated[RevisionOrHead, Field(description="'head' or the newest applied revision")] = "head",
    plan_id: PlanChoice = None,
    target: TargetName = None,
    progress: Progress = no_progress,
) -> RunDowngradeResult:
    """Show the plan; with the `plan_id` that it showed, apply exactly that plan.

    Raises:
        MigrationError: the plan cannot be made, or a line of the checklist does not hold; nothing was touched.
        Failed, InDoubt: the run did not end well; the state says what is true of the databases now.
    """
    # Imported here because planning reads migration files and SQL, whose parsers are slow to load.
    from skill_server.application import offering
    from skill_server.model.plan import PlanKind

    call = offering.Call(PlanKind.DOWNGRADE, revision, plan_id, target)
    return RunDowngradeResult(**await offering.offer(app, call, progress))
