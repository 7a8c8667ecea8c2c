"""Stage verify: are both databases what the ledger says they are."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from skill_server.model.base import JsonObject
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Verify both databases"
DESCRIPTION = """\
Check that PostgreSQL and MongoDB are what the ledger says: schemas, indexes, the newest migration's own promises, and
from `counts` on the contents. Use it after every upgrade, downgrade or restore, and for "verify the migration", "is the
data intact?". `quick` reads catalogs, `counts` compares record counts, `full` every value (slow on large data). Changes
no data; leaves a receipt that the next migration asks for. Needs detect_db_type. Next when something fails:
migration_status."""
READ_ONLY = False
DESTRUCTIVE = False
IDEMPOTENT = True
LONG = True
APPLIES = False
# A problem names where, how many, the first keys and what to do.
LONGEST = 400


class VerifyIntegrityResult(Result):
    """Each check with how far its answer goes."""

    operation_id: str
    depth: str
    checks: list[JsonObject]


async def verify_integrity(
    app: "Application",
    depth: Annotated[Literal["quick", "counts", "full"], Field(description="how much to read")] = "quick",
    target: TargetName = None,
    progress: Progress = no_progress,
) -> VerifyIntegrityResult:
    """Verify a target and leave a receipt.

    Raises:
        Refused: the target was never detected, or a server cannot be reached.
    """
    # Imported here because the application brings both drivers' rooms along.
    from skill_server.application import verifying, views
    from skill_server.verify.context import Depth

    session = await app.session(target)
    async with app.operations.run("verify_integrity", session.target.name, progress) as (
        operation_id,
        report,
    ):
        found = await verifying.verify_target(session, Depth[depth.upper()])
        await report(1, 1, "verified")
    failed = [check for check in found.checks if not check.passed]
    if failed:
        told = "; ".join(f"{check.check}: {', '.join(views.texts(check.problems))}" for check in failed)
        summary = f"{len(failed)} of {len(found.checks)} checks failed. {told}."
    else:
        summary = f"All {len(found.checks)} checks passed on both databases (depth {depth})."
    return VerifyIntegrityResult(
        ok=found.passed,
        tool="verify_integrity",
        target=session.target.name,
        summary=summary,
        next_tool="migration_status",
        next_args={"target": session.target.name},
        operation_id=operation_id,
        depth=depth,
        checks=[
            {
                "check": check.check,
                "passed": check.passed,
                "proven": views.shown(check.proven, LONGEST),
                "problems": views.texts(check.problems, longest=LONGEST),
            }
            for check in found.checks
        ],
    )
