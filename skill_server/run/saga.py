"""The saga: phases as barriers across the pair, marks that tell what ran, and the way back when a part fails."""

from enum import StrEnum
from itertools import groupby

from skill_server.backends.base import Progress, RunPolicy, no_progress
from skill_server.backends.pair import Pair
from skill_server.backends.progress import stage
from skill_server.errors import Conflict, InDoubt, MigrationError
from skill_server.model.base import Frozen
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.run import asking, groups

# Going back writes as much as going on, so a full disk stops the run where it is.
NO_ROOM = "server-full"


class Ending(StrEnum):
    """What is true of the pair when a run ends."""

    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"
    NEEDS_ATTENTION = "needs_attention"


class RunReport(Frozen):
    """How a run ended, and why if it did not end as planned."""

    ending: Ending
    steps: tuple[str, ...]
    code: str | None = None
    problem: str | None = None


def undo_id(plan_id: str) -> str:
    """Return the journal id under which a failed plan is undone."""
    return f"undo-{plan_id}"


async def check_before(pair: Pair, plan: Plan) -> None:
    """Check that the pair looks as the plan expects and that no value stands in its way.

    Raises:
        Conflict: a schema is not the one the plan was made for (`schema-drifted`).
        Refused: a probe found records that stand in the way (`records-in-the-way`), with their keys.
    """
    found = await pair.fingerprints()
    for kind in BackendKind:
        if found[kind] != plan.source[kind]:
            raise Conflict(
                "schema-drifted",
                f"the schema of {kind} is no longer the one this plan was made for",
                help="Plan again: call the same tool without plan_id.",
                next_tool="inspect_schema",
            )
    await groups.ask(pair, plan, [step for step in plan.steps if not asking.asks_late(step, plan)])


async def carry_out(pair: Pair, plan: Plan, policy: RunPolicy, progress: Progress = no_progress) -> RunReport:
    """Run every step that has no mark yet, in order, and prove the closing probes.

    Called again after a crash it goes on where the marks end. A failure undoes what ran, on both databases, in reverse.

    Raises:
        Failed: a server has no room left (`server-full`), for going back as little as for going on; call again later.
    """
    if await _undo_began(pair, plan):
        return await _roll_back(pair, plan, policy, None)
    parts = [list(group) for _, group in groupby(plan.steps, key=lambda step: (step.phase, step.backend))]
    try:
        for number, group in enumerate(parts):
            share = stage(progress, begin=100 * number / len(parts), end=100 * (number + 1) / len(parts))
            await groups.run(pair, plan, group, policy, share)
        await check_after(pair, plan)
    except InDoubt as error:
        return RunReport(ending=Ending.NEEDS_ATTENTION, steps=(), code=error.code, problem=error.message)
    except MigrationError as error:
        if error.code == NO_ROOM:
            raise
        return await _roll_back(pair, plan, policy, error)
    return RunReport(ending=Ending.APPLIED, steps=tuple(step.id for step in plan.steps))


async def check_after(pair: Pair, plan: Plan) -> None:
    """Prove the closing probes of all steps but those that were proved before a later step changed what they ask of.

    Raises:
        Failed: records are not as a step should have left them (`closing-probe-failed`).
    """
    await groups.prove(pair, [step for step in plan.steps if not asking.proves_early(step, plan)])


async def forget(pair: Pair, plan: Plan) -> None:
    """Delete the journal's marks of a plan whose outcome the ledger holds."""
    for backend in pair:
        await backend.journal.forget(plan.id)
        await backend.journal.forget(undo_id(plan.id))


async def _undo_began(pair: Pair, plan: Plan) -> bool:
    return any([bool(await backend.journal.marks(undo_id(plan.id))) for backend in pair])


async def _roll_back(pair: Pair, plan: Plan, policy: RunPolicy, cause: MigrationError | None) -> RunReport:
    code = cause.code if cause else "interrupted"
    problem = cause.message if cause else "an earlier run failed and was interrupted while it was undone"
    try:
        ran = {
            (backend.kind, name): mark.state
            for backend in pair
            for name, mark in (await backend.journal.marks(plan.id)).items()
        }
        undone: list[str] = []
        for step in reversed(plan.steps):
            if (step.backend, step.id) in ran and step.back is not None:
                await groups.carry(pair, undo_id(plan.id), step.reversed(), policy, no_progress)
                undone.append(step.id)
        found = await pair.fingerprints()
        restored = all(found[kind] == plan.source[kind] for kind in BackendKind)
    except MigrationError as error:
        if error.code == NO_ROOM:
            raise
        return RunReport(
            ending=Ending.NEEDS_ATTENTION,
            steps=(),
            code=code,
            problem=f"{problem}; undoing it failed too: {error.message}",
        )
    if not restored:
        return RunReport(
            ending=Ending.NEEDS_ATTENTION,
            steps=tuple(undone),
            code=code,
            problem=f"{problem}; the steps were undone, but the schema is not what it was before",
        )
    return RunReport(ending=Ending.ROLLED_BACK, steps=tuple(undone), code=code, problem=problem)
