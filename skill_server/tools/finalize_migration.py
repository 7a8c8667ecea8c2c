"""Stage finalize: show or carry out the deletion of what an applied revision retired."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from skill_server.model.ids import Revision
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import PlanChoice, PlanResult, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Delete what was retired"
DESCRIPTION = """\
Delete for good what an applied migration only hid (a dropped field, the old values of a type change). Afterwards no
downgrade can bring it back. Use it only when a person asks to free the space or to finish a migration for good, days
after the upgrade; it is never part of an upgrade. Without plan_id it only shows what would be deleted; with that
plan_id it deletes. Needs backup, rehearsal and a person's approval. Next: verify_integrity."""
READ_ONLY = False
DESTRUCTIVE = True
IDEMPOTENT = True
LONG = True
APPLIES = True


class FinalizeMigrationResult(PlanResult):
    """The deletion as planned, or its outcome."""


async def finalize_migration(
    app: "Application",
    revision: Annotated[Revision, Field(description="the applied revision whose retired data to delete")],
    plan_id: PlanChoice = None,
    target: TargetName = None,
    progress: Progress = no_progress,
) -> FinalizeMigrationResult:
    """Show the plan; with the `plan_id` that it showed, apply exactly that plan.

    Raises:
        MigrationError: the plan cannot be made, or a line of the checklist does not hold; nothing was touched.
        Failed, InDoubt: the run did not end well; the state says what is true of the databases now.
    """
    # Imported here because planning reads migration files and SQL, whose parsers are slow to load.
    from skill_server.application import offering
    from skill_server.model.plan import PlanKind

    call = offering.Call(PlanKind.FINALIZE, revision, plan_id, target)
    return FinalizeMigrationResult(**await offering.offer(app, call, progress))
