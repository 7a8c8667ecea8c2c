"""The backup that contents are compared with is here, and is the one that was proven."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.COUNTS


async def newest_backup(context: Context) -> CheckResult | None:
    """Tell whether there is a backup to compare with; silent where nothing is known of earlier content."""
    if context.backup is None:
        return None
    return CheckResult(
        check="newest_backup",
        passed=not context.backup.problems,
        proven=context.backup.proven,
        problems=context.backup.problems,
    )
