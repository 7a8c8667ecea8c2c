"""What a change of type takes along: fields that point to the field, and fields that are computed from one of them."""

from collections.abc import Iterator, Sequence

from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.logical import Kind
from skill_server.model.references import followers
from skill_server.model.snapshot import Entity, Snapshot
from skill_server.plan import foresee

_WHOLE = frozenset({Kind.INTEGER, Kind.BIG_INTEGER})


def touched(chosen: Sequence[Action], snapshot: Snapshot) -> set[str]:
    """Return `entity.field` for each field whose values or name the actions change, `entity` where all of it does."""
    found = {name for action in chosen for name in action.touched()}
    for action, entity, field in _taken(chosen, snapshot):
        found.add(f"{entity.name}.{field}")
        # Checksums are keyed by the key as text, which is the same for all whole numbers only.
        if field in entity.key and not {action.was.kind, action.to.kind} <= _WHOLE:
            found.add(entity.name)
    return found


def entities(chosen: Sequence[Action], snapshot: Snapshot) -> set[str]:
    """Return the names of the entities that the actions change."""
    taken = {entity.name for _, entity, _ in _taken(chosen, snapshot)}
    return taken | {action.entity for action in chosen}


def _taken(chosen: Sequence[Action], snapshot: Snapshot) -> Iterator[tuple[actions.RetypeField, Entity, str]]:
    for action in chosen:
        if isinstance(action, actions.RetypeField) and (entity := snapshot.entity(action.entity)) is not None:
            places = [(entity, action.field)]
            places += [
                (item.entity, item.field.name) for item in followers(snapshot, entity.name, action.field)
            ]
            for place, field in places:
                yield action, place, field
                yield from ((action, place, name) for name in _computed(place, field))
        snapshot = foresee.after(snapshot, action)


def _computed(entity: Entity, field: str) -> Iterator[str]:
    for item in entity.fields:
        if item.generated and any(
            lean.kind == "generated column" and lean.name == item.native_name and field in lean.fields
            for lean in entity.dependents
        ):
            yield item.name
