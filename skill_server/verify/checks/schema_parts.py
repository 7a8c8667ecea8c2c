"""Which entity, field, index, constraint or validator is missing, was added or was changed by hand."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.parts import differences
from skill_server.verify.report import CheckResult

DEPTH = Depth.QUICK


async def schema_parts(context: Context) -> CheckResult | None:
    """Compare both schemas, part by part, with what the ledger recorded; silent where it recorded no parts."""
    if not context.known:
        return None
    problems = [
        f"{kind}: {line}"
        for kind, known in context.known.items()
        for line in differences(known, context.snapshots[kind])
    ]
    compared = " and ".join(context.known)
    return CheckResult(
        check="schema_parts",
        passed=not problems,
        proven=f"every entity, index, constraint and validator of {compared} is as the ledger recorded it",
        problems=tuple(problems),
    )
