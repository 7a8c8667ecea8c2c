"""A reference has the type of the key that it holds; here it gets it, before a database states an action."""

from skill_server.model.action import Action, AddEntity, AddField, RemoveEntity, RemoveField
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Snapshot


def resolved(action: Action, snapshot: Snapshot) -> Action:
    """Return an action with the types of keys in place of references; one whose key has no known type stays."""
    match action:
        case AddField() | RemoveField():
            return action.model_copy(update={"type": _resolved(action.type, snapshot)})
        case AddEntity() | RemoveEntity():
            fields = [
                field.model_copy(update={"type": _resolved(field.type, snapshot)}) for field in action.fields
            ]
            return action.model_copy(update={"fields": tuple(fields)})
        case _:
            return action


def _resolved(kind: LogicalType, snapshot: Snapshot) -> LogicalType:
    entity = snapshot.entity(kind.entity) if kind.kind is Kind.REFERENCE and kind.entity else None
    if entity is None or len(entity.key) != 1:
        return kind
    key = entity.field(entity.key[0])
    return key.type if key is not None and key.type is not None else kind
