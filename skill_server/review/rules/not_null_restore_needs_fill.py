"""A required field that is dropped without saying what records written meanwhile get when it comes back."""

import re
from collections.abc import Iterator, Mapping

from skill_server.model.action import RetireField
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Step
from skill_server.model.snapshot import Snapshot

# Quoted text and quoted names may hold anything, so they are taken out before key words are looked for.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


def not_null_restore_needs_fill(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Warn where a downgrade would stop at the first record that was written after the upgrade."""
    for step in plan.steps:
        action = step.action
        if isinstance(action, RetireField) and action.fill is None and _requires_without_default(step):
            yield Finding(
                rule="not-null-restore-needs-fill",
                severity=Severity.WARNING,
                backend=step.backend,
                step=step.id,
                name=action.field,
                message=f"{action.field} of {action.entity} may not be empty and has no default, so a downgrade is "
                "refused once a record was written without it",
                help=f'Write op.drop_field("{action.entity}", "{action.field}", fill=…) with a value for such records.',
            )


def _requires_without_default(step: Step) -> bool:
    texts = [
        _QUOTED.sub("", statement.text).upper() for statement in (step.back.statements if step.back else ())
    ]
    words = " ".join(" ".join(texts).split())
    return "SET NOT NULL" in words and "SET DEFAULT" not in words
