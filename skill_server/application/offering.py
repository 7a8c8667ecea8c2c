"""Show a plan with everything that decides whether it may run, or apply one that was shown; and whom to ask first."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from skill_server.application import (
    applying,
    approving,
    emergency,
    forecasting,
    noting,
    planning,
    rehearsing,
    restoring,
    revisions,
    views,
)
from skill_server.application.application import Application
from skill_server.application.planning import Proposal
from skill_server.application.session import Session
from skill_server.backends.base import Progress
from skill_server.errors import Conflict, Refused
from skill_server.gate.verdict import Checklist
from skill_server.model.base import JsonObject
from skill_server.model.finding import Finding, Severity
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, PlanKind
from skill_server.model.receipt import Event
from skill_server.review import review
from skill_server.workflow import STAGES

_APPROVAL = "person_approved"
_DONE = {
    PlanKind.UPGRADE: "is applied to both databases",
    PlanKind.DOWNGRADE: "is undone on both databases",
    PlanKind.FINALIZE: "is finalized: what it retired is deleted from both databases",
    PlanKind.RESTORE: "is in place of both databases",
}


@dataclass(frozen=True)
class Call:
    """A call of an applying tool: `subject` is the revision, or the label of a backup."""

    kind: PlanKind
    subject: str
    plan_id: str | None
    target: str | None

    @property
    def tool(self) -> str:
        """The tool that was called."""
        return STAGES[self.kind].tool

    @property
    def args(self) -> JsonObject:
        """The arguments of the same call without a plan."""
        subject = "label" if self.kind is PlanKind.RESTORE else "revision"
        return {subject: self.subject, **({"target": self.target} if self.target else {})}


@dataclass(frozen=True)
class _Way:
    propose: Callable[..., Awaitable[Proposal]]
    carry_out: Callable[[Session, Proposal, Progress], Awaitable[Event]]


_WAYS = {
    PlanKind.UPGRADE: _Way(planning.propose_upgrade, applying.apply),
    PlanKind.DOWNGRADE: _Way(planning.propose_downgrade, applying.apply),
    PlanKind.FINALIZE: _Way(planning.propose_finalize, applying.apply),
    PlanKind.RESTORE: _Way(planning.propose_restore, restoring.restore),
}


async def offer(app: Application, call: Call, progress: Progress) -> JsonObject:
    """Return the words of a `PlanResult`: the plan as shown, or its outcome.

    Raises:
        MigrationError: there is no such plan, it is stale or another tool's, or it could not be applied.
    """
    session = await app.session(call.target, inspected=False)
    async with _leading_out(session, call):
        return await _offered(app, session, call, progress)


def _leading_out(session: Session, call: Call) -> AbstractAsyncContextManager[None]:
    """Let the errors of a downgrade name the restore that leads out of them."""
    if call.kind is not PlanKind.DOWNGRADE:
        return nullcontext()
    return emergency.way_out(session, call.subject)


async def _offered(app: Application, session: Session, call: Call, progress: Progress) -> JsonObject:
    if call.plan_id is None:
        # Asked first, because deployments call this every time and both schemas take far longer than both ledgers.
        if (applied := _already_applied(session, call)) is not None:
            return {
                "tool": call.tool,
                "target": session.target.name,
                "state": "nothing_to_do",
                "summary": f"Nothing is pending: {applied} is applied already.",
                "next_tool": "verify_integrity",
                "next_args": {"target": session.target.name},
            }
        await session.inspect()
        return await _shown(session, call)
    await session.inspect()
    proposal = await _wanted(session, call, call.plan_id)
    repeated = proposal.outcome is not None
    async with app.operations.run(call.tool, session.target.name, progress) as (operation_id, report):
        outcome = await _WAYS[call.kind].carry_out(session, proposal, report)
    subject = proposal.plan.revision or proposal.plan.backup_label
    return {
        "tool": call.tool,
        "target": session.target.name,
        "state": "applied",
        "summary": f"{subject} {_DONE[call.kind]}{_proof(outcome)}"
        + (", since an earlier call of this plan; nothing was done now." if repeated else "."),
        "plan_id": proposal.plan.id,
        "outcome": views.outcome_view(outcome),
        "operation_id": operation_id,
        "next_tool": "verify_integrity",
        "next_args": {"depth": "counts", "target": session.target.name},
    }


def _proof(outcome: Event) -> str:
    """Say that a change was verified, and what a restore put out of sight."""
    proof = " and verified"
    hidden = outcome.body.get("hidden")
    if not hidden:
        return proof
    places = ", ".join(views.texts(hidden["not_counted"]))
    more = f"; also what was written to {places}, which cannot be counted" if places else ""
    return f"{proof}; {hidden['changed']} records added or changed since were put out of sight{more}"


def _already_applied(session: Session, call: Call) -> str | None:
    if call.kind is not PlanKind.UPGRADE:
        return None
    migrations = revisions.read_graph(session)
    revisions.check_applied_files(session, migrations)
    return revisions.already_applied(session, migrations, call.subject)


async def to_be_asked(app: Application, call: Call) -> Proposal | None:
    """Return the plan that a person should be asked about through the client, or None; nothing is written.

    Nobody is asked for something that would be refused anyway, was done already, or needs a stronger approval.

    Raises:
        MigrationError: the call would be refused for a reason that no approval changes.
    """
    if call.plan_id is None:
        return None
    session = await app.session(call.target)
    async with _leading_out(session, call):
        proposal = await _wanted(session, call, call.plan_id)
    resuming = session.history.unfinished == call.plan_id
    if proposal.outcome is not None or resuming or not approving.may_ask(session):
        return None
    checklist = await session.checklist(call.kind, proposal.plan)
    return proposal if [item.id for item in checklist.missing] == [_APPROVAL] else None


async def approve(app: Application, call: Call) -> None:
    """Record that the client's person answered yes to the question of the call's plan."""
    session = await app.session(call.target)
    await approving.approve_by_answer(session, planning.recall(session, call.plan_id or ""))


async def _wanted(session: Session, call: Call, plan_id: str) -> Proposal:
    """Return the plan that a call names, if it is this tool's, this subject's, and still fits or was begun."""
    known = planning.recall(session, plan_id)
    plan = known.plan
    if plan.kind is not call.kind:
        raise Refused(
            "plan-of-another-tool",
            f"plan {plan_id} is a plan of {STAGES[plan.kind].tool}",
            help=f"Call {STAGES[plan.kind].tool}.",
            next_tool=STAGES[plan.kind].tool,
            next_args={**call_of(plan).args, "target": session.target.name, "plan_id": plan_id},
        )
    if call.subject not in ("head", plan.revision, plan.backup_label):
        raise Conflict(
            "plan-of-another-subject",
            f"plan {plan_id} is for {plan.revision or plan.backup_label}",
            help="Name the revision or label that the plan is for.",
            next_tool=call.tool,
            next_args={**call_of(plan).args, "target": session.target.name},
        )
    if known.outcome is not None and known.outcome.seq < session.history.last_change_seq:
        # Its outcome is history: to repeat it now could claim a state that a later change has undone.
        raise Conflict(
            "plan-superseded",
            f"plan {plan_id} ended before, and something else was changed after it",
            help="Look at the plan of today: call the same tool without plan_id.",
            next_tool="migration_status",
            next_args={"target": session.target.name},
        )
    if known.outcome is not None or session.history.unfinished == plan_id:
        return known
    return await _WAYS[call.kind].propose(session, call.subject, expected=plan_id)


def call_of(plan: Plan) -> Call:
    """Return the call that shows a plan."""
    return Call(plan.kind, plan.revision or plan.backup_label or "", None, None)


async def _shown(session: Session, call: Call) -> JsonObject:
    proposal = await _WAYS[call.kind].propose(session, call.subject)
    plan = proposal.plan
    resuming = session.history.unfinished == plan.id
    checklist = Checklist(items=()) if resuming else await session.checklist(call.kind, plan)
    rehearsed = rehearsing.latest_report(session, plan.id)
    over = forecasting.forecast_findings(rehearsed, plan, session.settings.project.policy)
    findings, omitted = views.finding_views(
        (*proposal.findings, *over, *_findings(session, plan), *await noting.notes(session, plan))
    )
    common = {"target": session.target.name}
    this_plan: JsonObject = {**call_of(plan).args, **common, "plan_id": plan.id}
    missing = checklist.missing
    askable = approving.may_ask(session) and [item.id for item in missing] == [_APPROVAL]
    next_tool, next_args = call.tool, this_plan
    if missing and not askable:
        next_tool, next_args = missing[0].next_tool, {**common, **missing[0].next_args}
    return {
        "tool": call.tool,
        "target": session.target.name,
        "state": "shown",
        "summary": _summary(proposal, checklist, resuming=resuming),
        "plan_id": plan.id,
        "plan": {
            **views.plan_view(plan, session.snapshots),
            "question": proposal.question,
            "forecast": forecasting.forecast_view(rehearsed),
        },
        "findings": findings,
        "findings_omitted": omitted,
        "checklist": views.checklist_view(checklist),
        "missing": [item.id for item in missing],
        "next_tool": next_tool,
        "next_args": next_args if next_tool else {},
    }


def _findings(session: Session, plan: Plan) -> tuple[Finding, ...]:
    if plan.kind not in (PlanKind.UPGRADE, PlanKind.DOWNGRADE):
        return ()
    facts = session.facts
    return (
        *review(plan, session.snapshots),
        *(facts.model_findings(plan) or ()),
        *(facts.contract_findings(plan) or ()),
    )


def _stopping(proposal: Proposal) -> list[str]:
    """Return what was found to stand in the way of a restore; a migration's findings are lines of its checklist."""
    return [item.message for item in proposal.findings if item.severity is Severity.ERROR]


def _summary(proposal: Proposal, checklist: Checklist, *, resuming: bool) -> str:
    plan = proposal.plan
    counts = " and ".join(f"{len(plan.of(kind))} on {kind}" for kind in BackendKind)
    lines = [f"Plan {plan.id}: {plan.kind} of {plan.revision or plan.backup_label}, {counts} steps."]
    for hazard, words in (
        (Hazard.DELETES_DATA, "DELETES DATA"),
        (Hazard.RETIRES_DATA, "Hides data and keeps it"),
    ):
        hit = views.texts(step.forward.summary for step in plan.steps if hazard in step.hazards)
        if hit:
            lines.append(f"{words}: {'; '.join(hit)}.")
    if resuming:
        lines.append(
            "It was begun and did not end: call again with this plan_id, and it goes on where it stopped."
        )
        return " ".join(lines)
    lines.append("Nothing was changed.")
    lines += [f"It would be refused now: {views.shown(reason)}." for reason in _stopping(proposal)]
    missing = checklist.missing
    if missing:
        lines.append(
            f"{len(missing)} of {len(checklist.items)} checklist lines are missing, first: "
            f"{views.shown(missing[0].evidence)}. {missing[0].how_to_satisfy or ''}".rstrip()
        )
    else:
        lines.append("Every checklist line is met: call again with this plan_id to apply it.")
    return " ".join(lines)
