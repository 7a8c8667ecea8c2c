"""A check over the defects that both databases were asked for."""

from skill_server.backends.base import Defect
from skill_server.model.ids import BackendKind
from skill_server.verify.context import Context
from skill_server.verify.report import CheckResult


def over_defects(context: Context, check: str, proven: str) -> CheckResult | None:
    """Return the result of a check whose answer is which defects were found; None where nobody looked for any.

    What a database was told to bear is said, and not held against it.
    """
    if context.defects is None:
        return None
    found = [(kind, item) for kind, items in context.defects.items() for item in items if item.check == check]
    problems = tuple(said(kind, item) for kind, item in found if not item.tolerated)
    borne = [said(kind, item) for kind, item in found if item.tolerated]
    return CheckResult(
        check=check,
        passed=not problems,
        proven=f"{proven}, except what is tolerated: {'; '.join(borne)}" if borne else proven,
        problems=problems,
    )


def said(kind: BackendKind, defect: Defect) -> str:
    """Return a defect as a sentence: where, how many, which first, and what to do."""
    place = defect.entity if defect.field is None else f"{defect.entity}.{defect.field}"
    count = f"{defect.records} " if defect.records else ""
    keys = (
        f" ({', '.join(defect.keys)}{', …' if defect.records > len(defect.keys) else ''})"
        if defect.keys
        else ""
    )
    return f"{kind} {place}: {count}{defect.message}{keys}. {defect.help}"
