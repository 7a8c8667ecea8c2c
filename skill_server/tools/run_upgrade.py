"""Stage upgrade: show the plan of the next pending revision, or apply a plan that was shown."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from skill_server.model.ids import RevisionOrHead
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import PlanChoice, PlanResult, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Run the upgrade"
DESCRIPTION = """\
Migrate the database: apply the next pending migration to PostgreSQL and MongoDB together ("migrate", "upgrade",
"update database", "run the migration"). Without plan_id nothing is changed: it shows SQL, MongoDB commands, locks,
hazards, findings, the checklist and a plan_id. With that plan_id it applies exactly that plan, verifies both databases,
and undoes everything if a step fails. Calling it again with an applied plan_id returns the first outcome.
Needs detect_db_type, generate_migration, backup, rehearse_migration and a person's approval. Next: verify_integrity."""
READ_ONLY = False
DESTRUCTIVE = True
IDEMPOTENT = True
LONG = True
APPLIES = True


class RunUpgradeResult(PlanResult):
    """The upgrade as planned, or its outcome."""


async def run_upgrade(
    app: "Application",
    revision: Annotated[RevisionOrHead, Field(description="'head' or the revision that is next")] = "head",
    plan_id: PlanChoice = None,
    target: TargetName = None,
    progress: Progress = no_progress,
) -> RunUpgradeResult:
    """Show the plan; with the `plan_id` that it showed, apply exactly that plan.

    Raises:
        MigrationError: the plan cannot be made, or a line of the checklist does not hold; nothing was touched.
        Failed, InDoubt: the run did not end well; the state says what is true of the databases now.
    """
    # Imported here because planning reads migration files and SQL, whose parsers are slow to load.
    from skill_server.application import offering
    from skill_server.model.plan import PlanKind

    call = offering.Call(PlanKind.UPGRADE, revision, plan_id, target)
    return RunUpgradeResult(**await offering.offer(app, call, progress))
