"""Every step's own closing question is answered with zero records."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.QUICK


async def closing_probes(context: Context) -> CheckResult | None:
    """Ask each step's closing probes; silent where no step ran."""
    problems: list[str] = []
    asked = 0
    for step in context.steps:
        for probe in step.forward.after:
            asked += 1
            result = await context.pair[step.backend].probe(probe)
            if result.count:
                problems.append(f"{step.backend}: {result.count} {probe.message} ({', '.join(result.keys)})")
    if not context.steps:
        return None
    return CheckResult(
        check="closing_probes",
        passed=not problems,
        proven=f"{asked} closing questions answered with zero records",
        problems=tuple(problems),
    )
