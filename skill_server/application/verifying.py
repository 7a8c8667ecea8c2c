"""Stage verify: are both databases what the ledger says they are."""

from skill_server.application.reconciling import compared_copies
from skill_server.application.revisions import expected_fingerprints
from skill_server.application.session import Session
from skill_server.ledger import history
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import EventKind
from skill_server.verify.context import Context, Depth
from skill_server.verify.report import VerificationReport
from skill_server.verify.verify import verify


async def verify_target(session: Session, depth: Depth) -> VerificationReport:
    """Check schemas, the newest change's own promises and, from `counts` on, the content; leave a receipt.

    The content is compared with the newest proven backup where nothing was changed since it was taken, and copies with
    the records that they were made of.
    """
    await session.enter("verify", None)
    events, state = session.events, session.history
    steps = ()
    outcome = history.latest(events, EventKind.OUTCOME)
    if (
        outcome is not None
        # What a restore took back has no promise left to keep.
        and outcome.seq == state.last_change_seq
        and outcome.body["result"] == "applied"
        and outcome.bound["kind"] != PlanKind.FINALIZE
    ):
        steps = history.plans(events)[outcome.bound["plan"]].steps
    sums = await session.pair.checksums() if depth > Depth.QUICK else None
    before = session.backed_up_checksums() if sums is not None else None
    report = await verify(
        Context(
            pair=session.pair,
            snapshots=session.snapshots,
            expected=expected_fingerprints(session),
            steps=steps,
            before=before,
            after=sums,
            # Since the backup the application may have written, so a difference is told and not held against it.
            quiet=False,
        ),
        depth,
    )
    copies = await compared_copies(session, steps) if depth > Depth.QUICK else None
    if copies is not None:
        report = report.model_copy(update={"checks": (*report.checks, copies)})
    if state.unfinished is None:
        await session.target.ledger.record(
            EventKind.VERIFICATION,
            bound={"ledger": session.identity.ledger_id},
            body={"passed": report.passed, "depth": report.depth},
        )
        await session.refresh()
    return report
