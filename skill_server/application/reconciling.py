"""Compare the copies that the newest upgrade made with the records they were made of, for a verification to tell."""

from skill_server.application.session import Session
from skill_server.errors import MigrationError
from skill_server.model.flow import Copy
from skill_server.model.plan import Step
from skill_server.run.reconcile import Reconciliation, reconcile
from skill_server.verify.report import CheckResult

CHECK = "copied_records"


async def compared_copies(session: Session, steps: tuple[Step, ...]) -> CheckResult | None:
    """Compare counts, fields and records of each copy among applied steps; None where there is none.

    The run itself fails where a copy differs. Since then the application may have written on either side, so what
    differs now is told and not held against the migration.
    """
    told: list[str] = []
    problems: list[str] = []
    for step in steps:
        flow = step.forward.flow
        if flow is None or flow.operation != "copy" or flow.copy_of is None:
            continue
        source = _source(flow.copy_of, step)
        try:
            found = await reconcile(
                session.pair, step.backend, flow.entity, flow.copy_of, session.run_policy.batch_records
            )
        except MigrationError as error:
            problems.append(f"{flow.entity} cannot be compared with {source}: {error.message}")
            continue
        told.append(_told(found, step, source))
        problems += [f"{step.backend} {flow.entity} {line}" for line in found.differences]
    if not told and not problems:
        return None
    return CheckResult(check=CHECK, passed=True, proven="; ".join(told), problems=tuple(problems))


def _source(copy: Copy, step: Step) -> str:
    return f"{copy.database or step.backend} {copy.entity}"


def _told(found: Reconciliation, step: Step, source: str) -> str:
    equal = sum(found.source_hashes[field] == found.target_hashes[field] for field in found.source_hashes)
    since = (
        f", and {found.differing} records differ, which may have been written since"
        if found.differing
        else ""
    )
    return (
        f"of {found.expected} records that {source} makes, {found.found} are in {step.backend} {step.entity} "
        f"({found.others} others besides), {equal} of {len(found.source_hashes)} fields have equal hashes{since}"
    )
