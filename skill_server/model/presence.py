"""What a snapshot knows of the names in a change, said as findings that a reader can act on."""

import difflib
from collections.abc import Iterable, Iterator

from skill_server.model.finding import Finding, Severity
from skill_server.model.snapshot import Entity, Snapshot


def problem(
    rule: str,
    snapshot: Snapshot,
    message: str,
    help: str,
    *,
    severity: Severity = Severity.ERROR,
    name: str | None = None,
) -> Finding:
    """Return a finding about the database of a snapshot."""
    return Finding(
        rule=rule, severity=severity, message=message, help=help, backend=snapshot.backend, name=name
    )


def alike(name: str, known: Iterable[str]) -> str:
    """Return an order that names what the author may have meant, or what there is."""
    names = sorted(known)
    lowered = {known_name.lower(): known_name for known_name in names}
    close = [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    if close:
        return f"Write {' or '.join(close)}, if that is what you meant."
    return (
        f"Choose one of: {', '.join(names[:20])}."
        if names
        else "Check the name; nothing of this kind is there."
    )


def entity_problems(snapshot: Snapshot, entity: str) -> Iterator[Finding]:
    """Yield an error where the database has no such entity."""
    if snapshot.entity(entity) is None:
        yield problem(
            "entity-unknown",
            snapshot,
            f"{snapshot.backend} has no entity {entity}",
            alike(entity, (known.name for known in snapshot.entities)),
            name=entity,
        )


def field_problems(snapshot: Snapshot, entity: str, field: str) -> Iterator[Finding]:
    """Yield what is wrong where an entity or its field is not there.

    MongoDB knows fields from records and validators alone, so in an empty entity a missing field is only a warning.
    """
    found = snapshot.entity(entity)
    if found is None:
        yield from entity_problems(snapshot, entity)
        return
    if found.field(field) is not None:
        return
    unseen = not snapshot.declares_fields and found.records == 0
    yield problem(
        "field-unknown",
        snapshot,
        f"{entity} has no field {field} in {snapshot.backend}"
        + (", but it has no records either" if unseen else ""),
        alike(field, (known.name for known in found.fields)),
        severity=Severity.WARNING if unseen else Severity.ERROR,
        name=field,
    )


def taken_problems(snapshot: Snapshot, entity: str, field: str) -> Iterator[Finding]:
    """Yield an error where the entity is missing or already has a field of that name."""
    found = snapshot.entity(entity)
    if found is None:
        yield from entity_problems(snapshot, entity)
        return
    taken = found.field(field) is not None or any(known.native_name == field for known in found.fields)
    if taken:
        yield problem(
            "field-exists",
            snapshot,
            f"{entity} already has a field {field} in {snapshot.backend}",
            "Choose another name, or leave this change out.",
            name=field,
        )


def key_problems(snapshot: Snapshot, entity: str, field: str) -> Iterator[Finding]:
    """Yield an error where a field identifies the records of its entity."""
    found = snapshot.entity(entity)
    if found is not None and (field in found.key or field == "_id"):
        yield problem(
            "field-is-key",
            snapshot,
            f"{field} identifies the records of {entity}; without it what was kept could not be put back",
            "Leave the key of the entity as it is.",
            name=field,
        )


def index_problems(snapshot: Snapshot, entity: str, index: str) -> Iterator[Finding]:
    """Yield an error where an entity or its index is not there."""
    found = snapshot.entity(entity)
    if found is None:
        yield from entity_problems(snapshot, entity)
    elif found.index(index) is None:
        yield problem(
            "index-unknown",
            snapshot,
            f"{entity} has no index {index} in {snapshot.backend}",
            alike(index, (known.name for known in found.indexes)),
            name=index,
        )


def index_taken_problems(snapshot: Snapshot, entity: str, index: str) -> Iterator[Finding]:
    """Yield an error where an index of that name is there already.

    PostgreSQL keeps one set of index names for a whole schema, MongoDB one for each entity.
    """
    found = snapshot.entity(entity)
    if found is None:
        yield from entity_problems(snapshot, entity)
        return
    searched: tuple[Entity, ...] = snapshot.entities if snapshot.index_names_are_shared else (found,)
    owner = next((known for known in searched if known.index(index) is not None), None)
    if owner is not None:
        yield problem(
            "index-exists",
            snapshot,
            f"an index named {index} is there already, on {owner.name}",
            "Choose another name for the index.",
            name=index,
        )


def entity_taken_problems(snapshot: Snapshot, entity: str) -> Iterator[Finding]:
    """Yield an error where an entity of that name, logical or native, is there already."""
    if any(entity in (known.name, known.native_name) for known in snapshot.entities):
        yield problem(
            "entity-exists",
            snapshot,
            f"{snapshot.backend} already has an entity {entity}",
            "Choose another name, or leave this change out.",
            name=entity,
        )


def constraint_problems(snapshot: Snapshot, entity: str, constraint: str, kind: str) -> Iterator[Finding]:
    """Yield an error where a database that names its constraints has none of that name and kind."""
    found = snapshot.entity(entity)
    if found is None or not snapshot.declares_fields:
        return
    names = {item.name for item in found.constraints if item.kind == kind}
    if constraint not in names:
        yield problem(
            "constraint-unknown",
            snapshot,
            f"{entity} has no {kind.replace('_', ' ')} {constraint} in {snapshot.backend}",
            alike(constraint, names),
            name=constraint,
        )


def constraint_taken_problems(snapshot: Snapshot, entity: str, constraint: str) -> Iterator[Finding]:
    """Yield an error where a constraint of that name is there already."""
    found = snapshot.entity(entity)
    if found is not None and any(item.name == constraint for item in found.constraints):
        yield problem(
            "constraint-exists",
            snapshot,
            f"{entity} already has a constraint {constraint} in {snapshot.backend}",
            "Choose another name for the constraint.",
            name=constraint,
        )
