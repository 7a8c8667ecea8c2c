"""Stage backup: dump both databases and prove the dump by restoring it."""

from typing import TYPE_CHECKING

from skill_server.model.base import JsonObject
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Back up and prove it"
DESCRIPTION = """\
Back up PostgreSQL and MongoDB and prove the backup: both are dumped, restored into scratch databases and compared value
by value. Use it before every rehearsal, upgrade, downgrade or finalize, and for "back up the database". It is good
until the next change or the policy's age. May take minutes. Old backups go as configured.
Needs detect_db_type. Next: rehearse_migration with the plan_id of review_migration."""
READ_ONLY = False
DESTRUCTIVE = False
IDEMPOTENT = False
LONG = True
APPLIES = False
MOST_UNFINISHED = 10


class BackupResult(Result):
    """The backup that was proven restorable."""

    operation_id: str
    label: str
    size_bytes: int
    databases: dict[str, JsonObject]
    proof: JsonObject


async def backup(
    app: "Application", target: TargetName = None, progress: Progress = no_progress
) -> BackupResult:
    """Take and prove a backup of both databases.

    Raises:
        Refused: a precondition does not hold, no space, or a client tool is missing.
        Failed: the dump or its proof failed; no receipt was written.
    """
    # Imported here because the application brings both drivers' rooms along.
    from skill_server.application import backing_up

    session = await app.session(target)
    async with app.operations.run("backup", session.target.name, progress) as (operation_id, report):
        taken, receipt, tidied, unfinished = await backing_up.back_up(session, report)
    plan_id = backing_up.plan_to_rehearse(session, receipt)
    torn = [str(kind) for kind, dump in taken.dumps.items() if not dump.point_in_time]
    next_tool = "backup" if torn else "rehearse_migration" if plan_id else "migration_status"
    warning = (
        f" It opens no change: {' and '.join(torn)} was written to while it was taken, so its records may be of "
        "different moments. Quiet the application, then call backup again."
    )
    return BackupResult(
        tool="backup",
        target=session.target.name,
        summary=f"Backup {taken.label} ({taken.size_bytes / 1_000_000:.1f} MB) of both databases was restored into "
        f"copies and every value compared.{warning if torn else ''}",
        next_tool=next_tool,
        next_args={
            "target": session.target.name,
            **({"plan_id": plan_id} if next_tool == "rehearse_migration" else {}),
        },
        operation_id=operation_id,
        label=taken.label,
        size_bytes=taken.size_bytes,
        databases={
            kind: {
                "tool": dump.tool,
                "point_in_time": dump.point_in_time,
                "moment": dump.moment.isoformat() if dump.moment else None,
                "size_bytes": sum(part.size_bytes for part in dump.parts),
                "entities": len(dump.checksums.entities),
                "records": sum(sums.records for sums in dump.checksums.entities.values()),
            }
            for kind, dump in taken.dumps.items()
        },
        proof={
            "at": receipt.at.isoformat(),
            "spread_s": taken.spread_s,
            "sealed": taken.sealed is not None,
            "where": ["local", "destination"] if receipt.body["shipped"] else ["local"],
            "let_go": list(tidied.lines),
            **({"not_in_it": list(unfinished[:MOST_UNFINISHED])} if unfinished else {}),
        },
    )
