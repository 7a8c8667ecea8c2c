"""The steps of one phase in one database: what is asked before them, and who carries each of them out."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from skill_server.backends.base import Progress, RunPolicy
from skill_server.backends.pair import Pair
from skill_server.backends.progress import stage
from skill_server.errors import InDoubt, Refused
from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.flow import Assignment, Flow
from skill_server.model.plan import Plan, Step
from skill_server.run import flow, flow_check

# A field of an entity, or the entity as a whole where the field is None.
Thing = tuple[str, str | None]


async def ask(pair: Pair, plan: Plan, steps: Sequence[Step]) -> None:
    """Ask what must be so before steps run: their probes, and of a flow whether all of it can be computed.

    Raises:
        Refused: records stand in the way (`records-in-the-way`), with their keys.
    """
    offenders: list[str] = []
    for step in steps:
        for probe in () if _asks_in_vain(step, plan) else step.forward.before:
            result = await pair[step.backend].probe(probe)
            if result.count:
                keys = f"first keys: {', '.join(result.keys)}"
                offenders.append(f"{step.backend}: {result.count} {probe.message} ({keys})")
        if (move := flow.of(step)) is not None:
            for offence in await flow_check.check(pair, plan, step, move):
                keys = f"first keys: {', '.join(offence.keys)}"
                offenders.append(
                    f"{step.backend}: {offence.count} records of {move.entity} {offence.reason} ({keys})"
                )
    if offenders:
        raise Refused(
            "records-in-the-way",
            "; ".join(offenders),
            help="Mend these records, or change the migration so that they fit.",
            detail={"offenders": offenders},
        )


def asks_late(step: Step, plan: Plan) -> bool:
    """Say whether a step asks about something that an earlier step of the same plan makes or changes."""
    move = flow.of(step)
    if move is not None:
        # What happens in the other database counts only where the records come from there.
        other_too = move.copy_of is not None and move.copy_of.database is not None
        before = plan.steps[: plan.steps.index(step)]
        earlier = [other for other in before if other_too or other.backend is step.backend]
        changed = {thing for other in earlier for thing in (*_changed(other.action), *_moved(other))}
        return any(thing in changed or (thing[0], None) in changed for thing in _needed(move))
    if isinstance(step.action, actions.SetNullable):
        return step.action.with_update
    if not isinstance(step.action, actions.BuildIndex):
        return False
    made = {thing for other in plan.steps for thing in _made(other.action)}
    return (step.entity, None) in made or any((step.entity, key.field) in made for key in step.action.keys)


async def run(pair: Pair, plan: Plan, group: Sequence[Step], policy: RunPolicy, progress: Progress) -> None:
    """Run the steps of one phase in one database, in order; those that are done are skipped."""
    backend = pair[group[0].backend]
    marks = await backend.journal.marks(plan.id)
    done = 0
    for moves, part in groupby(group, key=lambda step: flow.of(step) is not None):
        together = list(part)
        # A flow may compute with what the one before it wrote.
        for steps in [[step] for step in together] if moves else [together]:
            await ask(pair, plan, [step for step in steps if asks_late(step, plan) and step.id not in marks])
            share = stage(progress, begin=100 * done / len(group), end=100 * (done + len(steps)) / len(group))
            try:
                await _carry(pair, plan.id, steps, policy, share)
            except InDoubt:
                # The marks ride with the steps, so a reconnect tells whether the lost answer was a yes.
                await _carry(pair, plan.id, steps, policy, share)
            done += len(steps)


async def carry(pair: Pair, plan_id: str, step: Step, policy: RunPolicy, progress: Progress) -> None:
    """Carry out one step."""
    await _carry(pair, plan_id, [step], policy, progress)


async def _carry(
    pair: Pair, plan_id: str, steps: Sequence[Step], policy: RunPolicy, progress: Progress
) -> None:
    move = flow.of(steps[0])
    if move is None:
        await pair[steps[0].backend].run(plan_id, steps, policy, progress)
    else:
        await flow.run(pair, plan_id, steps[0], move, policy, progress)


def _asks_in_vain(step: Step, plan: Plan) -> bool:
    """Say whether a constraint is for something that the same phase makes, which no record can contradict yet."""
    if not isinstance(step.action, actions.AddConstraint):
        return False
    made = {thing for other in plan.steps for thing in _made(other.action)}
    return bool({(step.entity, None), (step.entity, step.action.spec.field)} & made)


def _made(action: Action) -> Iterator[Thing]:
    match action:
        case actions.AddField():
            yield action.entity, action.field
        case actions.RenameField():
            yield action.entity, action.to
        case actions.AddEntity():
            yield action.entity, None
        case actions.RenameEntity():
            yield action.to, None
        case _:
            pass


def _changed(action: Action) -> Iterator[Thing]:
    """Yield what a step makes or changes in either direction; asking late where it was not needed costs little."""
    yield from _made(action)
    match action:
        case (
            actions.RemoveField()
            | actions.RetireField()
            | actions.RestoreField()
            | actions.RetypeField()
            | actions.RestoreType()
            | actions.RenameField()
        ):
            yield action.entity, action.field
        case actions.RetireEntity() | actions.RemoveEntity() | actions.RenameEntity() | actions.RunRaw():
            yield action.entity, None
        case _:
            pass


def _moved(step: Step) -> Iterator[Thing]:
    move = flow.of(step)
    if move is None:
        return
    if move.operation in ("copy", "withdraw"):
        yield move.entity, None
        return
    for assignment in (move.forward, move.backward):
        yield from ((move.entity, field) for field in (assignment.writes if assignment else ()))


def _needed(move: Flow) -> Iterator[Thing]:
    if move.copy_of is not None and move.operation == "copy":
        yield move.copy_of.entity, None
        fields = [*move.copy_of.mapping.values(), move.copy_of.present, move.copy_of.each]
        yield from ((move.copy_of.entity, field) for field in fields if field is not None)
    assignment = move.backward if move.operation == "revert" else move.forward
    if move.operation in ("update", "revert") and assignment is not None:
        yield move.entity, None
        yield from _read(move.entity, assignment)


def _read(entity: str, assignment: Assignment) -> Iterator[Thing]:
    yield from ((entity, field) for field in assignment.reads)
    if assignment.lookup is not None:
        yield entity, assignment.lookup.own
        yield assignment.lookup.entity, assignment.lookup.theirs
        yield from ((assignment.lookup.entity, field) for field in assignment.lookup.fields)
    if assignment.formula is not None and assignment.formula.kind == "expressions":
        # What they give is read in the types of the fields that are written.
        yield from ((entity, field) for field in assignment.writes)
