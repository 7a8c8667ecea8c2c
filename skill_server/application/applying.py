"""Apply a stored plan: lock, gate, claim, run, verify, record; go on where an interrupted run stopped."""

from collections.abc import Mapping

from skill_server.application.claiming import claim, interrupted, require_newest
from skill_server.application.planning import Proposal, recall
from skill_server.application.session import Session
from skill_server.backends.base import Progress, no_progress
from skill_server.backends.progress import stage
from skill_server.errors import Failed, InDoubt, MigrationError
from skill_server.ledger import history
from skill_server.ledger.history import Result
from skill_server.model.base import JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.model.receipt import Checksums, Event, EventKind
from skill_server.model.snapshot import Snapshot
from skill_server.run import saga
from skill_server.run.saga import Ending, RunReport
from skill_server.verify import parts
from skill_server.verify.context import Context, Depth
from skill_server.verify.flaws import flaws
from skill_server.verify.report import VerificationReport
from skill_server.verify.verify import verify


async def apply(session: Session, proposal: Proposal, progress: Progress = no_progress) -> Event:
    """Apply the plan of a proposal and return its outcome; a second call returns the first outcome.

    Raises:
        Refused, Conflict: a precondition does not hold, or somebody else holds the lock; nothing was touched.
        Failed: the run failed and both databases are as before.
        InDoubt: the run ended half-way; `migration_status` says what to do.
    """
    plan = proposal.plan
    if proposal.outcome is not None:
        return _settled(proposal.outcome)
    async with session.locked(f"{plan.kind} {plan.id}"):
        again = recall(session, plan.id)
        if again.outcome is not None:
            return _settled(again.outcome)
        if session.history.unfinished == plan.id:
            outcome = await _ended(session, plan, progress, resumed=True)
        else:
            require_newest(session, plan)
            await session.enter(plan.kind, plan)
            await saga.check_before(session.pair, plan)
            before = await session.pair.checksums()
            sums = {kind: found.model_dump(mode="json") for kind, found in before.items()}
            await claim(session, plan, {"before": sums, "flaws": list(flaws(session.snapshots))})
            outcome = await _ended(session, plan, progress, resumed=False)
        await saga.forget(session.pair, plan)
        await session.target.sweep(session.identity)
    return _settled(outcome)


async def _ended(session: Session, plan: Plan, progress: Progress, *, resumed: bool) -> Event:
    """Bring a claimed plan to its end, as far as an earlier call left it.

    Raises:
        InDoubt: it stopped without an outcome (`run-interrupted`); the same call goes on.
    """
    await session.refresh()
    begun = history.latest(session.events, EventKind.STARTED, plan=plan.id)
    if begun is None:
        raise InDoubt(
            "claim-vanished",
            "the claim of this plan is no longer in the ledger",
            help="Call migration_status.",
        )
    before = {
        BackendKind(kind): Checksums.model_validate(sums) for kind, sums in begun.body["before"].items()
    }
    flawed = frozenset[str](begun.body.get("flaws", ()))
    try:
        report, checks, after = await _carried_out(session, plan, before, flawed, progress, resumed=resumed)
        return await _recorded(session, plan, report, checks, after)
    except MigrationError as error:
        # What a backend calls untouched is this step; of the plan, others may have run.
        raise interrupted(plan, error) from error


async def _carried_out(
    session: Session,
    plan: Plan,
    before: dict[BackendKind, Checksums],
    flawed: frozenset[str],
    progress: Progress,
    *,
    resumed: bool,
) -> tuple[RunReport, VerificationReport, Mapping[BackendKind, Snapshot]]:
    writers = await session.pair.writers()
    report = await saga.carry_out(session.pair, plan, session.run_policy, stage(progress, begin=0, end=80))
    writers += await session.pair.writers()
    applied = report.ending is Ending.APPLIED
    snapshots = await session.pair.inspect()
    rehearsal = history.latest(session.events, EventKind.REHEARSAL, plan=plan.id)
    expected = rehearsal.body["after"] if rehearsal and applied else plan.source
    checks = await verify(
        Context(
            pair=session.pair,
            snapshots=snapshots,
            expected={BackendKind(kind): value for kind, value in expected.items()},
            steps=plan.steps if applied else (),
            before=before,
            after=await session.pair.checksums(),
            touched=frozenset(plan.touched if applied else ()).union(
                *(plan.written_beside(snapshot) for snapshot in snapshots.values())
            ),
            flawed=flawed,
            # Between a crash and its resume nobody watched who wrote.
            quiet=not writers and not resumed,
        ),
        Depth.FULL,
    )
    await progress(95, 100, "verified")
    return report, checks, snapshots


async def _recorded(
    session: Session,
    plan: Plan,
    report: RunReport,
    checks: VerificationReport,
    after: Mapping[BackendKind, Snapshot],
) -> Event:
    """Write the outcome; a run that says it was applied but does not verify needs attention."""
    result = Result(report.ending)
    problem = report.problem
    if not checks.passed and result is not Result.NEEDS_ATTENTION:
        failed = [
            f"{check.check}: {'; '.join(check.problems[:3])}" for check in checks.checks if not check.passed
        ]
        result, problem = Result.NEEDS_ATTENTION, "; ".join([*([problem] if problem else []), *failed])
    body: JsonObject = {
        "result": result,
        "code": report.code,
        "problem": problem,
        "steps": list(report.steps),
        "after": {kind: snapshot.fingerprint for kind, snapshot in after.items()},
        # So that a later verification can say which part of a schema is another than this run left.
        "parts": parts.recorded(after),
        "checks": checks.model_dump(mode="json"),
    }
    bound = {
        "plan": plan.id,
        "ledger": plan.target.ledger_id,
        "kind": plan.kind,
        "revision": plan.revision or "",
        "subject": plan.subject,
    }
    ledger = session.target.ledger
    outcome = await ledger.record(EventKind.OUTCOME, bound=bound, body=body, unique=f"outcome:{plan.id}")
    await ledger.record(
        EventKind.VERIFICATION,
        bound={"ledger": plan.target.ledger_id, "plan": plan.id},
        body={"passed": checks.passed, "depth": checks.depth},
    )
    await session.refresh()
    return outcome


def _settled(outcome: Event) -> Event:
    """Return an outcome that ended well; raise what another ending means.

    Raises:
        Failed: rolled back. InDoubt: needs attention.
    """
    if outcome.kind is EventKind.RESTORED or outcome.body["result"] == Result.APPLIED:
        return outcome
    detail = {
        "result": outcome.body["result"],
        "cause": outcome.body["code"],
        "checks": outcome.body["checks"],
    }
    if outcome.body["result"] == Result.ROLLED_BACK:
        raise Failed(
            "rolled-back",
            f"the run failed and both databases are as before: {outcome.body['problem']}",
            help="Mend the cause, then plan again without plan_id.",
            next_tool="review_migration",
            next_args={"revision": outcome.bound["revision"]},
            detail=detail,
        )
    raise InDoubt(
        "needs-attention",
        f"the run ended half-way: {outcome.body['problem']}",
        help="Call migration_status, then restore the backup.",
        next_tool="migration_status",
        detail=detail,
    )
