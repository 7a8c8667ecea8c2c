"""Run the checks of a depth."""

from skill_server.verify import checks
from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult, VerificationReport


async def verify(context: Context, depth: Depth) -> VerificationReport:
    """Run every check up to `depth` that has something to say."""
    results: list[CheckResult] = []
    for _, needed, check in checks.discovered():
        if needed <= depth and (result := await check(context)) is not None:
            results.append(result)
    return VerificationReport(depth=depth.name.lower(), checks=tuple(results))
