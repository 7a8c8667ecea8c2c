"""No index is left half-built and no constraint unproven."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.flaws import flaws
from skill_server.verify.report import CheckResult

DEPTH = Depth.QUICK


async def index_validity(context: Context) -> CheckResult:
    """Look for invalid indexes and constraints that were never validated, which a change did not find there."""
    found = flaws(context.snapshots)
    problems = tuple(line for line in found if line not in context.flawed)
    there = [line for line in found if line in context.flawed]
    also = f"; as before the change: {', '.join(there)}" if there else ""
    return CheckResult(
        check="index_validity",
        passed=not problems,
        proven=f"every {'other ' if there else ''}index is valid and every constraint validated{also}",
        problems=problems,
    )
