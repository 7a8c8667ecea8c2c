"""Stage verify: are both databases what the ledger says they are."""

from collections.abc import Mapping

from skill_server.application import comparing
from skill_server.application.reconciling import compared_copies
from skill_server.application.revisions import expected_fingerprints
from skill_server.application.session import Session
from skill_server.backends.base import Defect
from skill_server.ledger import history
from skill_server.model.base import JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.plan import PlanKind, Step
from skill_server.model.receipt import EventKind
from skill_server.verify import parts
from skill_server.verify.context import Context, Depth
from skill_server.verify.parts import Parts
from skill_server.verify.report import VerificationReport
from skill_server.verify.verify import verify


async def verify_target(session: Session, depth: Depth) -> VerificationReport:
    """Check schemas, ledger, files, the newest change's own promises and, from `counts` on, the content.

    The content is compared with the newest proven backup where nothing was changed since it was taken, and copies with
    the records that they were made of. Leaves a receipt, with the parts of the schemas where it does not hold them yet.
    """
    await session.enter("verify", None)
    deep = depth is Depth.FULL
    steps = _promising(session)
    writers = await session.pair.writers()
    sums = await session.pair.checksums() if depth > Depth.QUICK else None
    before = session.backed_up_checksums() if sums is not None else None
    followed = comparing.followed(session) if deep else comparing.Followed((), ())
    sides = comparing.sides(session)
    report = await verify(
        Context(
            pair=session.pair,
            snapshots=session.snapshots,
            expected=expected_fingerprints(session),
            known=known_parts(session),
            steps=steps,
            before=before,
            after=sums,
            defects=await _defects(session, followed, deep=deep),
            unasked=followed.unasked,
            files=comparing.files(session),
            models=comparing.models(session) if deep else None,
            one_sided=sides.one,
            two_sided=sides.two,
            quiet=not (writers or await session.pair.writers()),
            since="those of the newest backup",
        ),
        depth,
    )
    copies = await compared_copies(session, steps) if depth > Depth.QUICK else None
    if copies is not None:
        report = report.model_copy(update={"checks": (*report.checks, copies)})
    if session.history.unfinished is None:
        await session.target.ledger.record(
            EventKind.VERIFICATION,
            bound={"ledger": session.identity.ledger_id},
            body={"passed": report.passed, "depth": report.depth, **_unrecorded(session, report)},
        )
        await session.refresh()
    return report


def known_parts(session: Session) -> dict[BackendKind, Parts]:
    """Return the parts that the ledger recorded of each expected schema."""
    found: dict[BackendKind, Parts] = {}
    expected = expected_fingerprints(session) or {}
    for event in reversed(session.events):
        for kind, recorded in event.body.get("parts", {}).items():
            if recorded["fingerprint"] == expected.get(BackendKind(kind)):
                found.setdefault(BackendKind(kind), Parts.model_validate(recorded))
        if len(found) == len(expected):
            break
    return found


def _unrecorded(session: Session, report: VerificationReport) -> JsonObject:
    """Return the parts of the schemas for the receipt, if they are as expected and the ledger does not hold them."""
    expected = expected_fingerprints(session)
    if not report.passed or expected is None or len(known_parts(session)) == len(expected):
        return {}
    return {"parts": parts.recorded(session.snapshots)}


async def _defects(
    session: Session, followed: comparing.Followed, *, deep: bool
) -> Mapping[BackendKind, tuple[Defect, ...]]:
    return {
        backend.kind: await backend.defects(deep=deep, references=followed.asked) for backend in session.pair
    }


def _promising(session: Session) -> tuple[Step, ...]:
    """Return the steps whose promises the databases have to keep now: those of the newest change, if it stands."""
    outcome = history.latest(session.events, EventKind.OUTCOME)
    if (
        outcome is None
        # What a restore took back has no promise left to keep.
        or outcome.seq != session.history.last_change_seq
        or outcome.body["result"] != "applied"
        or outcome.bound["kind"] == PlanKind.FINALIZE
    ):
        return ()
    return history.plans(session.events)[outcome.bound["plan"]].steps
