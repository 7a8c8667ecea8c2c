"""The ledger is whole and alike in both databases, and the files are the ones that it says were applied."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.QUICK


async def ledger_and_files(context: Context) -> CheckResult | None:
    """Tell what was compared with the ledger; silent where there is none, as on a copy."""
    if context.files is None:
        return None
    return CheckResult(
        check="ledger_and_files",
        passed=not context.files.problems,
        proven=context.files.proven,
        problems=context.files.problems,
    )
