"""An index built in a way that stops writes."""

from collections.abc import Iterator, Mapping

from skill_server.model.action import BuildIndex, RemoveIndex, RestoreIndex, RetireIndex
from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot


def index_blocks_writes(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Stop an index that is built or removed while nobody can write."""
    for step in plan.steps:
        about_index = isinstance(step.action, BuildIndex | RemoveIndex | RestoreIndex | RetireIndex)
        if about_index and Hazard.BLOCKS_WRITES in step.hazards:
            locks = sorted({str(statement.lock) for statement in step.forward.statements})
            yield Finding(
                rule="index-blocks-writes",
                severity=Severity.ERROR,
                backend=step.backend,
                step=step.id,
                name=step.entity,
                message=f"this index takes a {' and '.join(locks)} lock, so nobody can write to {step.entity} until it "
                "is done",
                help="Build or remove the index concurrently.",
            )
