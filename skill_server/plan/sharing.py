"""Refuse migrations in which one change would remember a definition that another change of it renames or moves."""

from collections.abc import Iterator, Mapping, Sequence

from skill_server.errors import Invalid
from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.ids import BackendKind
from skill_server.model.references import followers
from skill_server.model.snapshot import Constraint, Entity, Snapshot

_REMEMBERING = (
    actions.RetireField
    | actions.RetypeField
    | actions.RetireIndex
    | actions.RetireConstraint
    | actions.RetireEntity
)
_RENAMING = actions.RenameField | actions.RenameEntity | actions.MoveEntity
# (entity, field) for a field, (entity, "") for the entity itself.
Mention = tuple[str, str]


def require_apart(chosen: Sequence[Action], snapshots: Mapping[BackendKind, Snapshot]) -> None:
    """Check that nothing that is renamed or moved is named by an index, constraint or dependent that is remembered.

    What a retire or retype takes along is rebuilt on the way back from its old definition, which names fields and
    entities as they were before; undone in reverse order, the definition would meet the new name.

    Raises:
        Invalid: two changes share a definition (`changes-share-a-definition`).
    """
    renamed = {_mention(each): each for each in chosen if isinstance(each, _RENAMING)}
    for remembering in chosen:
        if not renamed or not isinstance(remembering, _REMEMBERING):
            continue
        for kind, snapshot in snapshots.items():
            named = remembering.on(kind) if isinstance(remembering, actions.RetireIndex) else remembering
            named = _as_before(named, chosen)
            for mention in sorted(renamed.keys() & set(_remembered(named, snapshot))):
                entity, field = mention
                thing = f"{field} of {entity}" if field else f"the entity {entity}"
                does = "moved" if isinstance(renamed[mention], actions.MoveEntity) else "renamed"
                raise Invalid(
                    "changes-share-a-definition",
                    f"{thing} is {does} while an index, constraint or dependent that names it is taken away with "
                    + _about(named),
                    help="Write the move as a migration of its own."
                    if does == "moved"
                    else "Write the rename as a migration of its own.",
                    next_tool="generate_migration",
                )


def _about(action: _REMEMBERING) -> str:
    match action:
        case actions.RetireField() | actions.RetypeField():
            return f"{action.field} of {action.entity}"
        case actions.RetireIndex() | actions.RetireConstraint():
            return f"{action.name} of {action.entity}"
        case actions.RetireEntity():
            return action.entity


def _mention(rename: _RENAMING) -> Mention:
    return (rename.entity, rename.field if isinstance(rename, actions.RenameField) else "")


def _as_before(action: _REMEMBERING, chosen: Sequence[Action]) -> _REMEMBERING:
    """Return an action with the name that its entity has before the migration."""
    old = {each.to: each.entity for each in chosen if isinstance(each, actions.RenameEntity)}
    return action.model_copy(update={"entity": old.get(action.entity, action.entity)})


def _remembered(action: _REMEMBERING, snapshot: Snapshot) -> Iterator[Mention]:
    """Yield what the definitions name that an action takes along, but not what the action itself is about."""
    entity = snapshot.entity(action.entity)
    if entity is None:
        return
    match action:
        case actions.RetireIndex():
            index = entity.index(action.name)
            yield (entity.name, "")
            yield from ((entity.name, name) for name in (index.fields if index else ()))
        case actions.RetireConstraint():
            for item in entity.constraints:
                if item.name == action.name or action.field in item.fields:
                    yield from _named_by(item, entity)
            if any(action.field in item.fields and item.definition for item in entity.dependents):
                yield (entity.name, "")
        case actions.RetireEntity():
            for item in entity.constraints:
                yield from _named_by(item, entity)
            yield from _inbound(snapshot, entity, None)
        case actions.RetireField():
            yield from _leaning(snapshot, entity, action.field)
        case actions.RetypeField():
            yield from _leaning(snapshot, entity, action.field)
            for follower in followers(snapshot, action.entity, action.field):
                yield from _leaning(snapshot, follower.entity, follower.field.name)


def _leaning(snapshot: Snapshot, entity: Entity, field: str) -> Iterator[Mention]:
    own = (entity.name, field)
    for fields in (item.fields for item in (*entity.indexes, *entity.dependents)):
        if field in fields:
            # Their definitions name the table, too.
            yield (entity.name, "")
            yield from ((entity.name, name) for name in fields if name != field)
    for item in entity.constraints:
        if field in item.fields:
            yield from (mention for mention in _named_by(item, entity) if mention != own)
    yield from _inbound(snapshot, entity, field)


def _named_by(constraint: Constraint, entity: Entity) -> Iterator[Mention]:
    yield from ((entity.name, name) for name in constraint.fields)
    if constraint.references is not None:
        yield (constraint.references, "")
        yield from ((constraint.references, name) for name in constraint.references_fields)


def _inbound(snapshot: Snapshot, entity: Entity, field: str | None) -> Iterator[Mention]:
    """Yield what the references of other entities to one (or to one field of it) name."""
    for other in snapshot.entities:
        for item in other.constraints:
            if item.references == entity.name and (field is None or field in item.references_fields):
                yield (other.name, "")
                yield from ((other.name, name) for name in item.fields)
