"""Data that is deleted for good."""

from collections.abc import Iterator, Mapping

from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.snapshot import Snapshot


def deletes_data(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Stop a step that deletes data, except where deleting is what was asked for; then warn."""
    asked = plan.kind is PlanKind.FINALIZE
    for step in plan.steps:
        if Hazard.DELETES_DATA in step.hazards:
            yield Finding(
                rule="deletes-data",
                severity=Severity.WARNING if asked else Severity.ERROR,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=f"data of {step.entity} is deleted for good; only a restore from backup brings it back",
                help="Look at what is deleted before you approve it."
                if asked
                else "Drop the field with drop_field, which keeps its data until finalize_migration.",
            )
