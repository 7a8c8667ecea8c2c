"""Stage verify: are both databases what the ledger says they are."""

from collections.abc import Mapping
from typing import Final

from skill_server.application import comparing, known
from skill_server.application.reconciling import compared_copies
from skill_server.application.session import Session
from skill_server.backends.base import Defect
from skill_server.ledger import history
from skill_server.model.ids import BackendKind
from skill_server.model.plan import PlanKind, Step
from skill_server.model.receipt import EventKind
from skill_server.verify.context import Context, Depth
from skill_server.verify.report import VerificationReport
from skill_server.verify.verify import verify

# Every call reads the whole ledger, and the report itself goes to whoever asked for it.
MOST_TOLD: Final = 3
LONGEST_TOLD: Final = 300


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
    earlier = await known.earlier(session) if sums is not None else known.Earlier()
    schemas = known.schemas(session) or known.Schemas({}, "")
    followed = comparing.followed(session) if deep else comparing.Followed((), ())
    sides = comparing.sides(session)
    report = await verify(
        Context(
            pair=session.pair,
            snapshots=session.snapshots,
            expected=schemas.fingerprints or None,
            recorded=schemas.recorded,
            known=known.recorded_parts(session, schemas.fingerprints),
            steps=steps,
            before=earlier.checksums,
            backup=earlier.backup,
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
            body={
                "passed": report.passed,
                "depth": report.depth,
                "failed": _held_against(session, report),
                **(known.unrecorded_parts(session, schemas.fingerprints) if report.passed else {}),
            },
        )
        await session.refresh()
    return report


def _held_against(session: Session, report: VerificationReport) -> dict[str, list[str]]:
    """Return by check the first problems that hold up the next change, for the receipt.

    What the catalogs called unfinished before the newest run is told and is not its doing. A constraint that somebody
    declared for new records only would else hold up every change for ever.
    """
    begun = (event.body["flaws"] for event in reversed(session.events) if "flaws" in event.body)
    before = frozenset[str](next(begun, ()))
    found = {
        check.check: [problem for problem in check.problems if problem not in before]
        for check in report.checks
        if not check.passed
    }
    return {
        check: [line[:LONGEST_TOLD] for line in lines[:MOST_TOLD]] for check, lines in found.items() if lines
    }


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
