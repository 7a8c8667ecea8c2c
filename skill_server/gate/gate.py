"""Ask the preconditions of a stage and turn what is missing into a refusal."""

from collections.abc import Sequence
from typing import Any

from skill_server.errors import Refused
from skill_server.gate import preconditions
from skill_server.gate.evidence import Evidence
from skill_server.gate.verdict import Checklist, ChecklistItem
from skill_server.model.plan import Plan


async def evaluate(requires: Sequence[str], plan: Plan | None, evidence: Evidence) -> Checklist:
    """Ask each precondition in order and return the whole checklist."""
    known = preconditions.discovered()
    items: list[ChecklistItem] = []
    for name in requires:
        precondition = known[name]
        verdict = await precondition.ask(plan, evidence)
        items.append(
            ChecklistItem(
                id=name,
                duty=precondition.duty,
                title=precondition.title,
                state=verdict.state,
                evidence=verdict.evidence,
                how_to_satisfy=verdict.help,
                code=verdict.code,
                next_tool=verdict.next_tool,
                next_args=verdict.next_args,
            )
        )
    return Checklist(items=tuple(items))


def require(checklist: Checklist, *, stage: str, common_args: dict[str, Any]) -> None:
    """Raise the refusal of the first line that is missing, with the whole checklist as its detail.

    Raises:
        Refused: at least one line does not hold; nothing was touched.
    """
    if checklist.passed:
        return
    first = checklist.missing[0]
    raise Refused(
        first.code or "precondition-unmet",
        f"{stage} is refused: {first.evidence}",
        help=first.how_to_satisfy or "See the checklist.",
        next_tool=first.next_tool,
        next_args={**common_args, **first.next_args} if first.next_tool else {},
        detail={
            "checklist": [item.model_dump(mode="json") for item in checklist.items],
            "missing": [item.id for item in checklist.missing],
        },
    )
