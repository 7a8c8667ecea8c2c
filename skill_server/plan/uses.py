"""What an action makes, needs, reads and takes away: from that, changes are put in order and contradictions found."""

from collections.abc import Iterable
from typing import NamedTuple, assert_never

from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.flow import Assignment

# (kind of thing, entity, name), as in the claims of actions.
Thing = tuple[str, str, str]


class Uses(NamedTuple):
    """The names that an action deals with.

    `needs` are used on afterwards (the fields of an index), `reads` only while it runs (the source of a copy). After
    it, nothing has a name of `takes` any more; with `renames` what had it has another one.
    """

    makes: frozenset[Thing] = frozenset()
    needs: frozenset[Thing] = frozenset()
    reads: frozenset[Thing] = frozenset()
    takes: frozenset[Thing] = frozenset()
    renames: bool = False


def of(action: Action) -> Uses:
    """Return what an action deals with."""
    own = frozenset({_entity(action.entity)})
    match action:
        case actions.AddField() | actions.RestoreField():
            return Uses(makes=_fields(action.entity, action.field), needs=own)
        case actions.RemoveField() | actions.RetireField():
            return Uses(needs=own, takes=_fields(action.entity, action.field))
        case actions.RenameField():
            made, taken = _fields(action.entity, action.to), _fields(action.entity, action.field)
            return Uses(makes=made, needs=own, takes=taken, renames=True)
        case actions.RetypeField() | actions.RestoreType() | actions.SetDefault() | actions.SetNullable():
            return Uses(needs=own | _fields(action.entity, action.field))
        case actions.BuildIndex():
            keys = [key.field for key in action.keys if key.field is not None]
            fields = _fields(action.entity, *keys, *(part.field for part in action.where))
            return Uses(makes=_index(action.entity, action.name), needs=own | fields)
        case actions.RemoveIndex() | actions.RetireIndex():
            return Uses(needs=own, takes=_index(action.entity, action.name))
        case actions.RestoreIndex():
            return Uses(makes=_index(action.entity, action.name), needs=own)
        case actions.AddEntity():
            fields = _fields(action.entity, *(field.name for field in action.fields))
            return Uses(makes=own | fields)
        case actions.RemoveEntity() | actions.RetireEntity():
            return Uses(takes=own)
        case actions.RenameEntity():
            return Uses(makes=frozenset({_entity(action.to)}), takes=own, renames=True)
        case actions.AddConstraint():
            return Uses(needs=own | _of_constraint(action))
        case actions.UpdateValues():
            return Uses(
                needs=own | _fields(action.entity, *action.writes()),
                reads=_of_assignment(action.entity, action.forward)
                | _of_assignment(action.entity, action.backward),
            )
        case actions.CopyRecords():
            return Uses(needs=own | _fields(action.entity, *action.copy_of.mapping), reads=_of_copy(action))
        case actions.RemoveConstraint() | actions.RetireConstraint() | actions.MoveEntity():
            return Uses(needs=own)
        case actions.RunRaw():
            return Uses(needs=frozenset(_entity(name) for name in {action.entity, *action.entities}))
        case actions.Undo() | actions.PurgeField() | actions.PurgeType() | actions.PurgeEntity():
            return Uses()
        case actions.PurgeValues():
            return Uses()
        case _:
            assert_never(action)


def together(chosen: Iterable[Action]) -> Uses:
    """Return what the actions of one change deal with; what one of them makes is not needed from elsewhere."""
    found = [of(action) for action in chosen]
    makes = frozenset[Thing]().union(*(each.makes for each in found))
    return Uses(
        makes=makes,
        needs=frozenset[Thing]().union(*(each.needs for each in found)) - makes,
        reads=frozenset[Thing]().union(*(each.reads for each in found)) - makes,
        takes=frozenset[Thing]().union(*(each.takes for each in found)),
        renames=any(each.renames for each in found),
    )


def _entity(name: str) -> Thing:
    return ("entity", name, "")


def _fields(entity: str, *names: str) -> frozenset[Thing]:
    return frozenset(("field", entity, name) for name in names)


def _index(entity: str, name: str) -> frozenset[Thing]:
    return frozenset({("index", entity, name)})


def _of_constraint(action: actions.AddConstraint) -> frozenset[Thing]:
    spec = action.spec
    if isinstance(spec, actions.CheckSpec):
        return _fields(action.entity, spec.field)
    theirs = _fields(spec.references, spec.references_field)
    return _fields(action.entity, spec.field) | {_entity(spec.references)} | theirs


def _of_assignment(entity: str, assignment: Assignment | None) -> frozenset[Thing]:
    if assignment is None:
        return frozenset()
    read = _fields(entity, *assignment.reads)
    if (lookup := assignment.lookup) is not None:
        read |= _fields(entity, lookup.own)
        read |= {_entity(lookup.entity)} | _fields(lookup.entity, lookup.theirs, *lookup.fields)
    return read


def _of_copy(action: actions.CopyRecords) -> frozenset[Thing]:
    source = action.copy_of
    # Members of the objects in an array are no fields of the entity.
    names = [source.each] if source.each is not None else list(source.mapping.values())
    names += [source.present] if source.present is not None else []
    return frozenset({_entity(source.entity)}) | _fields(source.entity, *names)
