"""A change that only one of the two databases sees."""

from collections.abc import Iterator, Mapping

from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Snapshot


def one_backend_only(plan: Plan, _snapshots: Mapping[BackendKind, Snapshot]) -> Iterator[Finding]:
    """Show the reason why a database takes no part; stop where it takes no part without one."""
    for backend in BackendKind:
        reason = plan.not_applicable.get(backend)
        if reason is None and plan.of(backend):
            continue
        if reason is not None and plan.of(backend):
            message = f"the migration says that it does not apply to {backend}, but the plan has steps for it"
        elif reason is None:
            message = f"the plan has no step for {backend}, and the migration does not say why"
        else:
            message = f"{backend} takes no part: {reason[:500]}"
        stated = reason is not None and not plan.of(backend)
        yield Finding(
            rule="one-backend-only",
            severity=Severity.WARNING if stated else Severity.ERROR,
            backend=backend,
            message=message,
            help="Make sure that the application does not expect the change there."
            if stated
            else f'Make the change on {backend} too, or write op.not_applicable("{backend}", "reason").',
        )
