"""Say where a target stands: what is applied, pending, unfinished, retired and backed up."""

from typing import TYPE_CHECKING

from skill_server.model.base import JsonObject
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Where the target stands"
DESCRIPTION = """\
Say what is applied, what is pending, what was begun and did not end, what is hidden but not deleted (since when, how
large), and which backups there are. Use it at any time: "migration status", "what is pending?", before restore_backup
for its label, and first of all when a call failed, was cut off, or its outcome is unknown; `way_out` then says what to
do. Changes nothing. Needs detect_db_type."""
READ_ONLY = True
DESTRUCTIVE = False
IDEMPOTENT = True
LONG = False
APPLIES = False

MOST = 20


class MigrationStatusResult(Result):
    """The state of a target by its ledger and the project's files; lists are newest first."""

    environment: str
    applied: list[JsonObject]
    applied_total: int
    pending: list[str]
    pending_total: int
    unfinished: str | None
    needs_attention: str | None
    way_out: str | None
    retired: list[JsonObject]
    retired_total: int
    retired_bytes: int
    backups: list[JsonObject]
    backups_total: int
    operations: list[JsonObject]


async def migration_status(
    app: "Application", target: TargetName = None, progress: Progress = no_progress
) -> MigrationStatusResult:
    """Read the state of a target.

    Raises:
        Refused: the target was never detected, or a server cannot be reached.
    """
    # Imported here because the application brings both drivers' rooms along.
    from skill_server.application import status, views

    found = await status.read_status(await app.session(target))
    await progress(1, 1, "read")
    summary = (
        f"{found.target} ({found.environment}): {len(found.applied)} revisions applied, {len(found.pending)} pending, "
        f"{len(found.backups)} backups."
    )
    next_tool, args = found.next_tool, {**found.next_args, "target": found.target}
    if found.way_out:
        summary += f" Something is open: {found.way_out}."
    elif found.pending:
        next_tool = "review_migration"
    return MigrationStatusResult(
        tool="migration_status",
        target=found.target,
        summary=summary,
        next_tool=next_tool,
        next_args=args if next_tool else {},
        environment=found.environment,
        applied=[
            {"revision": entry.revision, "plan_id": entry.plan_id, "finalized": entry.finalized}
            for entry in reversed(found.applied[-MOST:])
        ],
        applied_total=len(found.applied),
        pending=list(found.pending[:MOST]),
        pending_total=len(found.pending),
        unfinished=found.unfinished,
        needs_attention=found.needs_attention,
        way_out=found.way_out,
        retired=[
            {
                "revision": item.revision,
                "since": item.since.isoformat() if item.since else None,
                "what": views.shown(item.what),
                "records": item.records,
                "size_bytes": item.size_bytes,
            }
            for item in reversed(found.retired[-MOST:])
        ],
        retired_total=len(found.retired),
        retired_bytes=sum(item.size_bytes for item in found.retired),
        backups=[item.model_dump(mode="json") for item in found.backups[:MOST]],
        backups_total=len(found.backups),
        operations=[item.model_dump(mode="json") for item in app.operations.all()[:5]],
    )
