"""Statements that an author wrote: nobody but a reader can say what they do."""

from collections.abc import Iterator, Mapping

from skill_server.model.action import RunRaw
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot


def unknown_effect(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Warn of each step with statements of the author's own, and say what is not checked because of them."""
    for step in plan.steps:
        if isinstance(step.action, RunRaw) and step.forward.statements:
            about = ", ".join(dict.fromkeys((step.entity, *step.action.entities)))
            yield Finding(
                rule="unknown-effect",
                severity=Severity.WARNING,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=f"only their author knows what the migration's own statements do to {about}: code and models "
                "are not held against them, and no value is kept aside",
                help="Read each statement, and the one that undoes it; use a change of the catalogue if there is one.",
            )
