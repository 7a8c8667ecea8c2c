"""The question a person answers: what is lost, hidden or run first, escaped, the same text every time."""

from collections.abc import Iterator, Sequence

from skill_server.approve.code import code_of
from skill_server.model.finding import BLOCKS_LONGER, FORECAST_RULES, RUNS_LONGER
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind, Step

_VERBS = {
    PlanKind.UPGRADE: "Upgrade",
    PlanKind.DOWNGRADE: "Downgrade",
    PlanKind.FINALIZE: "Delete for good what was retired",
    PlanKind.RESTORE: "Replace both databases by a backup",
}
LONGEST_LINE = 160
# Code that an author wrote is what only a reader can judge, so more of it is shown than of a name.
LONGEST_CODE = 600
MOST_CODE = 8
LONGEST_TOLD = 300
# What a project may leave out of its configuration, and what is then not looked at.
CHECKABLE = ("models", "code", "test_command")
MOST_STEPS = 12


def question(plan: Plan, told: Sequence[str] = ()) -> str:
    """Return the text that a person approves; a digest of it is part of a signed approval.

    `told` are lines about the databases as they are now, which the plan itself does not hold.
    """
    target = f"{plan.target.name} ({plan.target.environment})"
    lines = [f"{_VERBS[plan.kind]} on {target}: {plan.revision or plan.backup_label}", *_taken(plan)]
    lines += [shown(line, LONGEST_TOLD) for line in told]
    code = list(_code(plan))
    lines += code[:MOST_CODE]
    if len(code) > MOST_CODE:
        lines.append(f"And {len(code) - MOST_CODE} more: the migration's .md file holds all of them")
    names = [shown(name) for name in plan.acknowledged if name not in FORECAST_RULES]
    if names:
        lines.append(f"Code may go on using: {', '.join(names)}")
    if BLOCKS_LONGER in plan.acknowledged:
        lines.append("MAY STOP the application for longer than the policy allows")
    if RUNS_LONGER in plan.acknowledged:
        lines.append("May run for longer than the policy allows")
    if beside := [shown(name) for name in plan.written_by_triggers]:
        lines.append(f"Not compared, because the database's own triggers write to it: {', '.join(beside)}")
    if unchecked := [name for name in CHECKABLE if name in plan.policy and not plan.policy[name]]:
        lines.append(f"Not checked, because the configuration names none: {', '.join(unchecked)}")
    lines += _done(plan)
    lines += [f"Not done on {kind}: {shown(reason)}" for kind, reason in plan.not_applicable.items()]
    lines.append(f"Plan {plan.id}")
    return "\n".join(lines)


def _taken(plan: Plan) -> Iterator[str]:
    """Yield what goes: deleted, out of sight, or replaced by other values."""
    deleted = [step for step in plan.steps if Hazard.DELETES_DATA in step.hazards]
    kept = [step for step in plan.steps if Hazard.RETIRES_DATA in step.hazards]
    if plan.kind is PlanKind.RESTORE:
        yield "EVERYTHING written since the backup is put aside and no longer seen by the application."
    if deleted:
        yield f"DELETES: {_summaries(deleted)}"
    if hidden := [step for step in kept if step.forward.flow is None]:
        yield f"Hides (kept until finalize): {_summaries(hidden)}"
    if replaced := [step for step in kept if step.forward.flow is not None]:
        yield f"Replaces values (old ones kept until finalize): {_summaries(replaced)}"
    if not deleted and not kept and plan.kind is not PlanKind.RESTORE:
        yield "Deletes nothing and hides nothing."


def _code(plan: Plan) -> Iterator[str]:
    """Yield the code that runs: a function that both databases share is one line."""
    placed: dict[str, list[str]] = {}
    for step in plan.steps:
        for text in code_of(step):
            places = placed.setdefault(text, [])
            if (place := f"{step.backend} {shown(step.entity)}") not in places:
                places.append(place)
    for text, places in placed.items():
        yield f"Runs on {', '.join(places)}: {shown(text, LONGEST_CODE)}"


def _done(plan: Plan) -> Iterator[str]:
    """Yield the steps that do something, and of a database that has none why."""
    doing = [step for step in plan.steps if step.forward.statements]
    yield from (f"- {step.backend}: {shown(step.forward.summary)}" for step in doing[:MOST_STEPS])
    if len(doing) > MOST_STEPS:
        yield f"- and {len(doing) - MOST_STEPS} more steps"
    for kind in BackendKind:
        steps = plan.of(kind)
        if steps and not any(step.forward.statements for step in steps):
            yield f"- {kind}: {_summaries(steps[:MOST_STEPS])}"


def _summaries(steps: Sequence[Step]) -> str:
    return "; ".join(shown(step.forward.summary) for step in steps)


def shown(text: str, longest: int = LONGEST_LINE) -> str:
    """Return text from a database or a file made harmless: printable, one line, capped.

    Control, bidirectional and zero-width characters become escapes, so that a name cannot rewrite the question.
    """
    plain = "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"
