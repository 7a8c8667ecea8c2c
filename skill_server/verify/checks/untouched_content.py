"""What a change had no business with is the same, byte for byte."""

from skill_server.model import content
from skill_server.verify.context import Context, Depth
from skill_server.verify.report import CheckResult

DEPTH = Depth.FULL


async def untouched_content(context: Context) -> CheckResult | None:
    """Compare content checksums of all untouched fields; silent where no earlier checksums are known."""
    if context.before is None or context.after is None:
        return None
    differences = content.compare(context.before, context.after, touched=context.touched)
    then = context.since or "those before the change"
    if differences and not context.holds:
        why = (
            f"some content differs from {then}, and the application may have written it since"
            if context.since
            else "other clients were connected and some content differs"
        )
        return CheckResult(
            check="untouched_content",
            passed=True,
            proven=f"{why}, so equality is proven on the rehearsal copy only: "
            + "; ".join(str(item) for item in differences[:10]),
        )
    suspects = content.suspects(differences, context.snapshots)
    named = (
        f"the event triggers {', '.join(suspects[:5])} may have written this: name the entities that they write to in "
        "policy.written_by_triggers"
    )
    return CheckResult(
        check="untouched_content",
        passed=not differences,
        proven=f"the content checksums of every untouched field are equal to {then}, {context.watch}",
        problems=(*([named] if suspects else []), *(str(item) for item in differences[:50])),
    )
