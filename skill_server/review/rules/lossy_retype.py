"""A conversion on whose way values may lose digits."""

from collections.abc import Iterator, Mapping

from skill_server.model.action import RetypeField
from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.logical import Fidelity, fidelity
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot


def lossy_retype(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Warn of a conversion after which a value may no longer be what it was."""
    for step in plan.steps:
        action = step.action
        lossy = isinstance(action, RetypeField) and fidelity(action.was, action.to) is Fidelity.LOSSY
        if lossy or Hazard.LOSES_PRECISION in step.hazards:
            yield Finding(
                rule="lossy-retype",
                severity=Severity.WARNING,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=f"values of {step.entity} may lose digits in this conversion; the old ones are kept until the "
                "migration is finalized",
                help="Choose a type that holds every value, or accept the loss when you approve.",
            )
