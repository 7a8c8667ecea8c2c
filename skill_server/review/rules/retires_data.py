"""Data that goes out of sight and is kept."""

from collections.abc import Iterator, Mapping

from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot


def retires_data(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Note that a step hides data, where it stays, and what deletes it."""
    for step in plan.steps:
        if Hazard.RETIRES_DATA in step.hazards:
            yield Finding(
                rule="retires-data",
                severity=Severity.NOTE,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=f"data of {step.entity} goes out of sight and is kept; it needs its space until it is deleted",
                help="Call finalize_migration when nobody will want the data back.",
            )
