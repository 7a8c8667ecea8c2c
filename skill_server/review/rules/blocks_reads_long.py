"""A lock that stops even readers, held while every record is read or written."""

from collections.abc import Iterator, Mapping

from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot

# Below these, reading or rewriting everything takes well under a second on ordinary disks.
MANY_RECORDS = 100_000
MUCH_BYTES = 100 * 1024 * 1024


def blocks_reads_long(plan: Plan, snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Warn of a step that shuts readers out for as long as a large entity takes to be read or rewritten."""
    for step in plan.steps:
        hazards = set(step.hazards)
        long = hazards & {Hazard.REWRITES, Hazard.SCANS}
        if Hazard.BLOCKS_READS in hazards and long and _is_large(step.entity, snapshots.get(step.backend)):
            yield Finding(
                rule="blocks-reads-long",
                severity=Severity.WARNING,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=f"the step takes an ACCESS EXCLUSIVE lock, so nobody can read or write {step.entity} while "
                f"every record is {'rewritten' if Hazard.REWRITES in long else 'read'}",
                help="Run it when nobody uses the application, or split it into changes that do not rewrite.",
            )


def _is_large(name: str, snapshot: Snapshot | None) -> bool:
    entity = snapshot.entity(name) if snapshot else None
    return entity is None or entity.records >= MANY_RECORDS or entity.size_bytes >= MUCH_BYTES
