"""Code that runs now and uses a name that goes."""

from collections.abc import Iterator, Mapping

from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot


def breaks_old_code(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Warn of a step after which code that is still running fails."""
    for step in plan.steps:
        if Hazard.BREAKS_OLD_CODE in step.hazards:
            # An entity's own name is claimed as the entity, what it has as a third part.
            own = {name or entity for _, entity, name in step.action.claims()}
            names = ", ".join(name for name in plan.retired_names if name in own)
            yield Finding(
                rule="breaks-old-code",
                severity=Severity.WARNING,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=f"application code that is running and uses {names or 'the old schema'} of {step.entity} "
                "fails from this step on",
                help="Deploy code that no longer needs the old names at the same time.",
            )
