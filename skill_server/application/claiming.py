"""What is true around the moment in which a plan is begun: nothing came between, and no error claims too much after."""

from skill_server.application.session import Session
from skill_server.errors import Conflict, InDoubt, MigrationError
from skill_server.ledger import history
from skill_server.model.base import JsonObject
from skill_server.model.plan import Plan
from skill_server.model.receipt import EventKind


def last_changing_plan(session: Session) -> str | None:
    """Return the id of the plan that was begun or ended last."""
    last = session.history.last_change_seq
    return next((event.bound["plan"] for event in session.events if event.seq == last), None)


def require_newest(session: Session, plan: Plan) -> None:
    """Check, under the lock, that nothing was begun on the target since a plan was made.

    Raises:
        Conflict: something was (`plan-stale`).
    """
    if plan.previous_plan != last_changing_plan(session):
        raise Conflict(
            "plan-stale",
            f"something else was begun on {session.target.name} since plan {plan.id} was made",
            help="Look at the new plan: call the same tool without plan_id.",
            next_tool="migration_status",
        )


async def claim(session: Session, plan: Plan, body: JsonObject) -> None:
    """Spend the approval and claim the plan, once and for all; `body` is what going on after a crash needs.

    From here on only this plan may go on.

    Raises:
        InDoubt: the approval that the gate saw is gone (`approval-vanished`).
    """
    ledger = session.target.ledger
    approval = history.latest(session.events, EventKind.APPROVAL, plan=plan.id, ledger=plan.target.ledger_id)
    if approval is None:
        raise InDoubt(
            "approval-vanished", "the approval is no longer in the ledger", help="Call migration_status."
        )
    await ledger.record(EventKind.SPENT, bound={"plan": plan.id}, unique=f"spent:{approval.seq}")
    await ledger.record(EventKind.STARTED, bound=_claimed(plan), body=body, unique=f"claim:{plan.id}")


async def renew(session: Session, plan: Plan, changed: JsonObject) -> None:
    """Write down what going on with a claimed plan needs from now on, as far as it `changed`."""
    begun = history.latest(session.events, EventKind.STARTED, plan=plan.id)
    body = {**(begun.body if begun else {}), **changed}
    await session.target.ledger.record(EventKind.STARTED, bound=_claimed(plan), body=body)


def _claimed(plan: Plan) -> dict[str, str]:
    return {"plan": plan.id, "kind": plan.kind, "revision": plan.revision or ""}


def interrupted(plan: Plan, error: MigrationError) -> InDoubt:
    """Return what is true when a run that was begun stops without an outcome."""
    return InDoubt(
        "run-interrupted",
        f"the {plan.kind} was begun and stopped half-way: {error.message}",
        help=f"{error.help} Then call the same tool with this plan_id again: it goes on where it stopped.",
        next_tool="migration_status",
        detail={**error.detail, "cause": error.code},
    )
