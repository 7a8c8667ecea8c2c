"""No record came or went unexplained."""

from skill_server.model.ids import KEPT_NAME
from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.COUNTS


async def record_counts(context: Context) -> CheckResult | None:
    """Compare record counts before and after; silent where no earlier counts are known."""
    if context.before is None or context.after is None:
        return None
    problems = [
        f"{kind}: {entity} held {old.records} records, now {new.records if new else 'none'}"
        for kind, before in context.before.items()
        for entity, old in before.entities.items()
        if not entity.startswith(KEPT_NAME) and entity not in context.touched
        for new in [context.after[kind].entities.get(entity)]
        if new is None or new.records != old.records
    ]
    if problems and not context.holds:
        who = "the application may have written since" if context.since else "other clients were connected"
        return CheckResult(
            check="record_counts",
            passed=True,
            proven=f"counts differ and {who}, so they prove nothing: " + "; ".join(problems),
        )
    then = context.since or "those before the change"
    return CheckResult(
        check="record_counts",
        passed=not problems,
        proven=f"the record counts of every entity are equal to {then}, {context.watch}",
        problems=tuple(problems),
    )
