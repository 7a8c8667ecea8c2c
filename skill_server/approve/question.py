"""The question a person answers: what is lost or retired first, escaped, the same text every time."""

from skill_server.model.hazard import Hazard
from skill_server.model.plan import Plan, PlanKind

_VERBS = {
    PlanKind.UPGRADE: "Upgrade",
    PlanKind.DOWNGRADE: "Downgrade",
    PlanKind.FINALIZE: "Delete for good what was retired",
    PlanKind.RESTORE: "Replace both databases by a backup",
}
LONGEST_LINE = 160
# What a project may leave out of its configuration, and what is then not looked at.
CHECKABLE = ("models", "code", "test_command")
MOST_STEPS = 12


def question(plan: Plan) -> str:
    """Return the text that a person approves; a digest of it is part of a signed approval."""
    target = f"{plan.target.name} ({plan.target.environment})"
    lines = [f"{_VERBS[plan.kind]} on {target}: {plan.revision or plan.backup_label}"]
    deleted = [step for step in plan.steps if Hazard.DELETES_DATA in step.hazards]
    retired = [step for step in plan.steps if Hazard.RETIRES_DATA in step.hazards]
    if plan.kind is PlanKind.RESTORE:
        lines.append(
            "EVERYTHING written since the backup is put aside and no longer seen by the application."
        )
    if deleted:
        lines.append("DELETES: " + "; ".join(shown(step.forward.summary) for step in deleted))
    if retired:
        lines.append(
            "Hides (kept until finalize): " + "; ".join(shown(step.forward.summary) for step in retired)
        )
    if not deleted and not retired and plan.kind is not PlanKind.RESTORE:
        lines.append("Deletes nothing and hides nothing.")
    if plan.acknowledged:
        lines.append("Code may go on using: " + ", ".join(shown(name) for name in plan.acknowledged))
    if unchecked := [name for name in CHECKABLE if name in plan.policy and not plan.policy[name]]:
        lines.append(f"Not checked, because the configuration names none: {', '.join(unchecked)}")
    lines += [f"- {step.backend}: {shown(step.forward.summary)}" for step in plan.steps[:MOST_STEPS]]
    if len(plan.steps) > MOST_STEPS:
        lines.append(f"- and {len(plan.steps) - MOST_STEPS} more steps")
    lines += [f"Not done on {kind}: {shown(reason)}" for kind, reason in plan.not_applicable.items()]
    lines.append(f"Plan {plan.id}")
    return "\n".join(lines)


def shown(text: str) -> str:
    """Return text from a database or a file made harmless: printable, one line, capped.

    Control, bidirectional and zero-width characters become escapes, so that a name cannot rewrite the question.
    """
    plain = "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )
    return plain if len(plain) <= LONGEST_LINE else plain[: LONGEST_LINE - 1] + "…"
