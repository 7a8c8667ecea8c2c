"""Which fields hold the values of another one, by foreign keys, and so must have its type."""

from collections.abc import Iterator
from typing import NamedTuple

from skill_server.model.snapshot import Constraint, Entity, Field, Snapshot


class Reference(NamedTuple):
    """One field and the field it points to; a foreign key of two fields makes two of them."""

    entity: Entity
    field: Field
    constraint: Constraint
    parent_entity: str
    parent_field: str


def references(snapshot: Snapshot) -> Iterator[Reference]:
    """Yield every field that points to another one."""
    for entity in snapshot.entities:
        for constraint in entity.constraints:
            if constraint.references is None:
                continue
            for name, referenced in zip(constraint.fields, constraint.references_fields, strict=False):
                field = entity.field(name)
                if field is not None:
                    yield Reference(entity, field, constraint, constraint.references, referenced)


def followers(snapshot: Snapshot, entity: str, field: str) -> tuple[Reference, ...]:
    """Return the fields that point to a field, and those that point to these, each once and after its parent."""
    known = tuple(references(snapshot))
    found: list[Reference] = []
    seen = {(entity, field)}
    waiting = [(entity, field)]
    while waiting:
        parent = waiting.pop(0)
        for item in known:
            place = (item.entity.name, item.field.name)
            if (item.parent_entity, item.parent_field) == parent and place not in seen:
                seen.add(place)
                waiting.append(place)
                found.append(item)
    return tuple(found)
