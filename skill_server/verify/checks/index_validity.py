"""No index is left half-built and no constraint unproven."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.QUICK


async def index_validity(context: Context) -> CheckResult:
    """Look for invalid indexes and constraints that were never validated."""
    problems = [
        f"{kind}: index {index.name} of {entity.name} is invalid"
        for kind, snapshot in context.snapshots.items()
        for entity in snapshot.entities
        for index in entity.indexes
        if not index.valid
    ]
    problems += [
        f"{kind}: constraint {item.name} of {entity.name} was never validated"
        for kind, snapshot in context.snapshots.items()
        for entity in snapshot.entities
        for item in entity.constraints
        if not item.validated
    ]
    return CheckResult(
        check="index_validity",
        passed=not problems,
        proven="every index is valid and every constraint validated",
        problems=tuple(problems),
    )
