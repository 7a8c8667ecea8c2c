"""Stage restore: show or carry out putting a proven backup in place of both databases."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from skill_server.model.ids import BackupLabel
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import PlanChoice, PlanResult, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Restore a backup"
DESCRIPTION = """\
Emergency: put a proven backup in place of both databases ("restore", "emergency rollback", "recover"). Everything
written since that backup is put aside and no longer seen, so prefer run_downgrade while it is possible. Without plan_id
it only shows what would happen; with that plan_id it restores into copies, compares them with the backup, and switches
both databases. Labels: migration_status. Needs an intact backup and a person's approval. Next: verify_integrity."""
READ_ONLY = False
DESTRUCTIVE = True
IDEMPOTENT = True
LONG = True
APPLIES = True


class RestoreBackupResult(PlanResult):
    """The restore as planned, or its outcome."""


async def restore_backup(
    app: "Application",
    label: Annotated[BackupLabel, Field(description="the label of a backup, as migration_status lists it")],
    plan_id: PlanChoice = None,
    target: TargetName = None,
    progress: Progress = no_progress,
) -> RestoreBackupResult:
    """Show the plan; with the `plan_id` that it showed, apply exactly that plan.

    Raises:
        MigrationError: the plan cannot be made, or a line of the checklist does not hold; nothing was touched.
        Failed, InDoubt: the run did not end well; the state says what is true of the databases now.
    """
    # Imported here because planning reads migration files and SQL, whose parsers are slow to load.
    from skill_server.application import offering
    from skill_server.model.plan import PlanKind

    call = offering.Call(PlanKind.RESTORE, label, plan_id, target)
    return RestoreBackupResult(**await offering.offer(app, call, progress))
