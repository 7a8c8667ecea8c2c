"""The types of the literals that actions carry, from a database that declares its fields where one does.

A database without declarations knows a field only by the values in it, which tell neither a decimal from its text nor a
day from a moment; so both databases are told the type, and write the same value.
"""

from collections.abc import Iterable, Mapping, Sequence

from skill_server.model import action as actions
from skill_server.model import fitness, formula
from skill_server.model.action import Action
from skill_server.model.flow import Assignment
from skill_server.model.ids import BackendKind
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Snapshot
from skill_server.plan import foresee


def typed(actions_: Sequence[Action], snapshots: Mapping[BackendKind, Snapshot]) -> list[Action]:
    """Return the actions with the types of their literals, given the schemas that those before them leave.

    A declared type goes before one that is read off values.
    """
    known = sorted(snapshots.values(), key=lambda snapshot: not snapshot.declares_fields)
    found: list[Action] = []
    for action in actions_:
        found.append(_told(action, known))
        known = [foresee.after(snapshot, action) for snapshot in known]
    return found


def _told(action: Action, known: Sequence[Snapshot]) -> Action:
    match action:
        case actions.RetireField() if action.fill is not None:
            return action.model_copy(update={"type": _type_of(known, action.entity, action.field)})
        case actions.BuildIndex() | actions.RemoveIndex() if action.where:
            fields = (item.field for item in action.where if item.operator != "present")
            return action.model_copy(update={"types": _all(known, action.entity, fields)})
        case (
            actions.AddConstraint(spec=actions.CheckSpec() as spec)
            | actions.RemoveConstraint(spec=actions.CheckSpec() as spec)
        ) if spec.rule.one_of:
            told = spec.model_copy(update={"type": _type_of(known, action.entity, spec.field)})
            return action.model_copy(update={"spec": told})
        case actions.UpdateValues(forward=Assignment(writes=(field,)) as forward, fill=fill) if (
            fill is not None
        ):
            kind = _type_of(known, action.entity, field)
            made = forward.model_copy(update={"formula": formula.filling(field, fill, kind)})
            return action.model_copy(update={"forward": made})
        case _:
            return action


def _type_of(known: Iterable[Snapshot], entity: str, field: str) -> FieldType | None:
    found = (fitness.type_of(snapshot, entity, field) for snapshot in known)
    return next((kind for kind in found if kind is not None), None)


def _all(known: Sequence[Snapshot], entity: str, fields: Iterable[str]) -> dict[str, FieldType]:
    found = {field: _type_of(known, entity, field) for field in fields}
    return {field: kind for field, kind in found.items() if kind is not None}
