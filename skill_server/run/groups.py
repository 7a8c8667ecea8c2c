"""The steps of one phase in one database: what is asked before them, and who carries each of them out."""

from collections.abc import Sequence
from itertools import groupby

from skill_server.backends.base import Progress, RunPolicy
from skill_server.backends.pair import Pair
from skill_server.backends.progress import stage
from skill_server.errors import Failed, InDoubt, Refused
from skill_server.model.plan import Plan, Step
from skill_server.run import asking, flow, flow_check


async def ask(pair: Pair, plan: Plan, steps: Sequence[Step]) -> None:
    """Ask what must be so before steps run: their probes, and of a flow whether all of it can be computed.

    Raises:
        Refused: records stand in the way (`records-in-the-way`), with their keys.
    """
    offenders: list[str] = []
    for step in steps:
        for probe in step.forward.before:
            result = await pair[step.backend].probe(probe)
            if result.count:
                keys = f"first keys: {', '.join(result.keys)}"
                offenders.append(f"{step.backend}: {result.count} {probe.message} ({keys})")
        if (move := step.forward.flow) is not None:
            for offence in await flow_check.check(pair, plan, step, move):
                keys = f"first keys: {', '.join(offence.keys)}"
                offenders.append(
                    f"{step.backend}: {offence.count} records of {offence.entity} {offence.reason} ({keys})"
                )
    if offenders:
        raise Refused(
            "records-in-the-way",
            "; ".join(offenders),
            help="Mend these records, or change the migration so that they fit.",
            detail={"offenders": offenders},
        )


async def prove(pair: Pair, steps: Sequence[Step]) -> None:
    """Prove the closing probes of steps that ran.

    Raises:
        Failed: records are not as the step should have left them (`closing-probe-failed`).
    """
    for step in steps:
        for probe in step.forward.after:
            result = await pair[step.backend].probe(probe)
            if result.count:
                raise Failed(
                    "closing-probe-failed",
                    f"{step.backend}: {result.count} {probe.message} after step {step.id}",
                    help=probe.help,
                )


async def run(pair: Pair, plan: Plan, group: Sequence[Step], policy: RunPolicy, progress: Progress) -> None:
    """Run the steps of one phase in one database, in order; those that are done are skipped."""
    backend = pair[group[0].backend]
    marks = await backend.journal.marks(plan.id)
    done = 0
    for moves, part in groupby(group, key=lambda step: step.forward.flow is not None):
        together = list(part)
        # A flow may compute with what the one before it wrote.
        for steps in [[step] for step in together] if moves else asking.parted(together, plan):
            late = [step for step in steps if asking.asks_late(step, plan) and step.id not in marks]
            await ask(pair, plan, late)
            share = stage(progress, begin=100 * done / len(group), end=100 * (done + len(steps)) / len(group))
            try:
                await _carry(pair, plan.id, steps, policy, share)
            except InDoubt:
                # The marks ride with the steps, so a reconnect tells whether the lost answer was a yes.
                await _carry(pair, plan.id, steps, policy, share)
            if not any(step.id in marks for step in plan.steps[plan.steps.index(steps[-1]) + 1 :]):
                await prove(pair, [step for step in steps if asking.proves_early(step, plan)])
            done += len(steps)


async def carry(pair: Pair, plan_id: str, step: Step, policy: RunPolicy, progress: Progress) -> None:
    """Carry out one step."""
    await _carry(pair, plan_id, [step], policy, progress)


async def _carry(
    pair: Pair, plan_id: str, steps: Sequence[Step], policy: RunPolicy, progress: Progress
) -> None:
    move = steps[0].forward.flow
    if move is None:
        await pair[steps[0].backend].run(plan_id, steps, policy, progress)
    else:
        await flow.run(pair, plan_id, steps[0], move, policy, progress)
