"""The schemas are the ones that the last recorded change, its rehearsal or a newer backup saw."""

from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.QUICK


async def schema_fingerprint(context: Context) -> CheckResult | None:
    """Compare the live fingerprints with the expected ones; silent where nothing is expected yet."""
    if context.expected is None:
        return None
    # Within a run nobody but the run changed it.
    way = ". Undo what was changed by hand, or call backup if it is meant" if context.since else ""
    problems = tuple(
        f"the schema of {kind} is not the one {context.recorded}{way}"
        for kind, expected in context.expected.items()
        if context.snapshots[kind].fingerprint != expected
    )
    return CheckResult(
        check="schema_fingerprint",
        passed=not problems,
        proven=f"both schemas have the fingerprint {context.recorded}",
        problems=problems,
    )
