"""When a step's questions can be asked: at the opening, or only after earlier steps of the same plan."""

from collections.abc import Iterable, Iterator, Sequence

from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.flow import Assignment, Flow
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan, Step
from skill_server.model.snapshot import Entity

# A field of an entity, or the entity as a whole where the field is None.
Thing = tuple[str, str | None]


def asks_late(step: Step, plan: Plan) -> bool:
    """Say whether a step asks about something that an earlier step of the same plan makes, changes or brings back."""
    return asks_after(step, plan.steps[: plan.steps.index(step)], plan)


def asks_after(step: Step, earlier: Sequence[Step], plan: Plan) -> bool:
    """Say whether a step asks about something that one of these steps of the same plan makes or changes."""
    move = step.forward.flow
    if move is not None:
        # What is copied may be read in the other database; all else that is read lies in the step's own.
        source = (move.copy_of.database if move.copy_of else None) or step.backend
        # A reference that comes or goes says what may be written, but changes nothing that is read.
        earlier = [other for other in earlier if not isinstance(_done(other.action), actions.AddConstraint)]
        return _met(_copied(move), _in(source, earlier)) or _met(_needed(move), _in(step.backend, earlier))
    if isinstance(step.action, actions.SetNullable) and step.action.with_update:
        return True
    return bool(step.forward.before) and _concerns(step, earlier, plan)


def proves_early(step: Step, plan: Plan) -> bool:
    """Say whether a later step of the same plan changes what the closing probes of a step are about."""
    later = plan.steps[plan.steps.index(step) + 1 :]
    return bool(step.forward.after) and _concerns(step, later, plan)


def parted(steps: Sequence[Step], plan: Plan) -> list[list[Step]]:
    """Cut the steps of one phase before each that the ones right before it have to be done, or proved, without."""
    parts: list[list[Step]] = []
    for step in steps:
        if parts and not asks_after(step, parts[-1], plan) and not _spoils(step, parts[-1], plan):
            parts[-1].append(step)
        else:
            parts.append([step])
    return parts


def _spoils(step: Step, earlier: Sequence[Step], plan: Plan) -> bool:
    return any(other.forward.after and _concerns(other, [step], plan) for other in earlier)


def _concerns(step: Step, others: Sequence[Step], plan: Plan) -> bool:
    """Say whether what a step can ask about is changed by one of the others, in the same database."""
    # The steps of one action are made to be asked about together.
    apart = [other for other in _in(step.backend, others) if other.action != step.action]
    return bool(apart) and _met(_asked(step.action, plan.before), apart)


def _done(action: Action) -> Action:
    return action.undone if isinstance(action, actions.Undo) else action


def _in(backend: BackendKind, steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step.backend is backend]


def _met(asked: Iterable[Thing], earlier: Iterable[Step]) -> bool:
    changed = {thing for other in earlier for thing in (*_changed(other.action), *_moved(other))}
    return any(thing in changed or (thing[0], None) in changed for thing in asked)


def _changed(action: Action) -> Iterator[Thing]:
    """Yield what a step makes or changes in either direction; asking late where it was not needed costs little."""
    match action:
        case actions.Undo():
            yield from _changed(action.undone)
        case (
            actions.AddField()
            | actions.RemoveField()
            | actions.RetireField()
            | actions.RestoreField()
            | actions.RetypeField()
            | actions.RestoreType()
        ):
            yield action.entity, action.field
        case actions.RenameField():
            yield action.entity, action.field
            yield action.entity, action.to
        case (
            actions.AddEntity()
            | actions.RemoveEntity()
            | actions.RetireEntity()
            | actions.MoveEntity()
            | actions.RunRaw()
        ):
            yield action.entity, None
        case actions.RenameEntity():
            yield action.entity, None
            yield action.to, None
        case actions.AddConstraint(spec=actions.ReferenceSpec() as spec):
            # What asks about the field that is referred to asks about those that refer to it.
            yield spec.references, spec.references_field
        case _:
            pass


def _moved(step: Step) -> Iterator[Thing]:
    move = step.forward.flow
    if move is None:
        return
    if move.operation in ("copy", "withdraw"):
        yield move.entity, None
        return
    for assignment in (move.forward, move.backward):
        yield from ((move.entity, field) for field in (assignment.writes if assignment else ()))


def _asked(action: Action, before: Sequence[Entity]) -> Iterator[Thing]:
    """Yield what the questions of an action can be about: its fields, and what shares a definition with them.

    Definitions that come back are those of the schema before the migration. Records are told by their keys.
    """
    found = set(_meant(_done(action), before))
    yield from found
    named = {name for name, _ in found}
    yield from ((entity.name, field) for entity in before if entity.name in named for field in entity.key)


def _meant(action: Action, before: Sequence[Entity]) -> Iterator[Thing]:
    yield action.entity, None
    if isinstance(action, actions.AddConstraint):
        yield action.entity, action.spec.field
        if isinstance(action.spec, actions.ReferenceSpec):
            yield action.spec.references, action.spec.references_field
    elif isinstance(action, actions.BuildIndex):
        yield from ((action.entity, key.field) for key in action.keys)
        yield from ((action.entity, part.field) for part in action.where)
    else:
        yield from _sharing(action, before)


def _sharing(action: Action, before: Sequence[Entity]) -> Iterator[Thing]:
    whole = isinstance(action, actions.RetireEntity | actions.RemoveEntity | actions.AddEntity)
    own = set(_named(action))
    yield from ((action.entity, name) for name in own)
    for entity in before:
        mine = entity.name == action.entity
        for index in entity.indexes:
            if mine and (whole or own & {index.name, *index.fields}):
                yield from ((entity.name, name) for name in index.fields)
        for item in entity.constraints:
            there = item.references
            if there == action.entity or (mine and (whole or own & {item.name, *item.fields})):
                yield entity.name, None
                yield from ((entity.name, name) for name in item.fields)
                if there is not None:
                    yield there, None
                    yield from ((there, name) for name in item.references_fields)


def _named(action: Action) -> Iterator[str]:
    match action:
        case actions.RetireIndex() | actions.RestoreIndex() | actions.RetireConstraint():
            yield action.name
        case (
            actions.RetireField()
            | actions.RestoreField()
            | actions.RetypeField()
            | actions.RestoreType()
            | actions.SetNullable()
        ):
            yield action.field
        case _:
            pass


def _copied(move: Flow) -> Iterator[Thing]:
    if move.copy_of is not None and move.operation == "copy":
        yield move.copy_of.entity, None
        fields = [*move.copy_of.mapping.values(), move.copy_of.present, move.copy_of.each]
        yield from ((move.copy_of.entity, field) for field in fields if field is not None)


def _needed(move: Flow) -> Iterator[Thing]:
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
