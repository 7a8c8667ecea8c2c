"""Data that is deleted for good."""

from collections.abc import Iterator, Mapping

from skill_server.model.action import BuildIndex, RunRaw
from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind, Step
from skill_server.model.snapshot import Snapshot


def deletes_data(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Stop a step that deletes data, except where deleting is what was asked for; then warn."""
    for step in plan.steps:
        if Hazard.DELETES_DATA in step.hazards:
            asked, message, help = _weighed(plan, step)
            yield Finding(
                rule="deletes-data",
                severity=Severity.WARNING if asked else Severity.ERROR,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=message,
                help=help,
            )


def _weighed(plan: Plan, step: Step) -> tuple[bool, str, str]:
    """Return whether the deletion was asked for in so many words, what is deleted, and what to do about it."""
    gone = f"data of {step.entity} is deleted for good; only a restore from backup brings it back"
    match step.action:
        case RunRaw():
            return (
                True,
                f"the migration's own statements delete or overwrite data of {step.entity}, and nothing keeps it aside",
                "Make sure that the undoing statements bring everything back; the rehearsal compares every value, but "
                "only of records that are there today.",
            )
        case BuildIndex(expire_after_s=int(seconds)):
            return (
                True,
                f"from then on {step.backend} deletes records of {step.entity} by itself, {seconds} s after the moment "
                "in the field, older ones at once; no downgrade brings them back",
                "Look at how many records are older than that before you approve it.",
            )
        case _ if plan.kind is PlanKind.DOWNGRADE:
            return (
                True,
                f"with what comes back, {step.backend} may delete data of {step.entity} for good, as it did before",
                "Look at the statements of the step before you approve it.",
            )
        case _:
            asked = plan.kind is PlanKind.FINALIZE
            help = "Drop it with drop_field or drop_entity, which keep the data until finalize_migration."
            return asked, gone, "Look at what is deleted before you approve it." if asked else help
