"""Whether values, types and rules fit what a snapshot knows of the fields they are for, said as findings."""

import reprlib
from collections.abc import Iterator

from skill_server.model import presence, values
from skill_server.model.base import Json
from skill_server.model.finding import Finding
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Snapshot

_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
_IN_JSON = _TEXTUAL | {Kind.INTEGER, Kind.BIG_INTEGER, Kind.FLOAT, Kind.BOOLEAN, Kind.JSON}


def default_problems(
    snapshot: Snapshot, field: str, kind: LogicalType | None, value: Json
) -> Iterator[Finding]:
    """Yield an error where a default or fill is no value of its type; an unknown type takes any."""
    reason = values.misfit(value, kind) if kind is not None else None
    if reason:
        yield presence.problem(
            "default-does-not-fit",
            snapshot,
            f"{reprlib.repr(value)} for {field} is no {kind}: {reason[:200]}",
            f"Write a value that {kind} holds exactly.",
            name=field,
        )


def reference_problems(
    snapshot: Snapshot, entity: str, field: str, references: str, references_field: str
) -> Iterator[Finding]:
    """Yield what is wrong with a field that shall name the records of an entity by one of its fields."""
    target = snapshot.entity(references)
    yield from presence.field_problems(snapshot, references, references_field)
    if target is None or not snapshot.declares_fields:
        return
    own, theirs = type_of(snapshot, entity, field), type_of(snapshot, references, references_field)
    if own is not None and theirs is not None and own != theirs:
        yield presence.problem(
            "types-differ",
            snapshot,
            f"{field} of {entity} is {own} and {references_field} of {references} is {theirs}",
            "Give both the same type first.",
            name=field,
        )
    keys = [target.key, *(index.fields for index in target.indexes if index.unique)]
    if target.field(references_field) is not None and (references_field,) not in keys:
        yield presence.problem(
            "reference-not-unique",
            snapshot,
            f"several records of {references} may have the same {references_field}",
            "Refer to the key, or add a unique index first.",
            name=references_field,
        )


def type_of(snapshot: Snapshot, entity: str, field: str) -> LogicalType | None:
    """Return the type of a field as far as the database knows it."""
    found = snapshot.entity(entity)
    known = found.field(field) if found else None
    return known.type if known else None


def declared_type_of(snapshot: Snapshot, entity: str, field: str) -> LogicalType | None:
    """Return the type of a field where the database declares one; one that is read off values is no measure.

    A day is a moment to MongoDB, and a number that happens to be whole an integer.
    """
    return type_of(snapshot, entity, field) if snapshot.declares_fields else None


def deletion_problems(snapshot: Snapshot, entity: str, field: str, on_delete: str) -> Iterator[Finding]:
    """Yield an error where deleting would have to empty a field that may not be empty."""
    found = snapshot.entity(entity)
    known = found.field(field) if found else None
    if on_delete == "set null" and snapshot.declares_fields and known is not None and not known.nullable:
        yield presence.problem(
            "rule-cannot-act",
            snapshot,
            f"{field} of {entity} may not be empty, so deleting the other record would fail",
            "Let the field be empty first, or choose another rule.",
            name=field,
        )


def text_problems(snapshot: Snapshot, entity: str, field: str) -> Iterator[Finding]:
    """Yield an error where a field that a separator cuts or joins is no text."""
    known = type_of(snapshot, entity, field)
    if known is not None and known.kind not in _TEXTUAL:
        yield presence.problem(
            "field-is-no-text",
            snapshot,
            f"{field} of {entity} is {known}, and this works on text",
            "Name a field of text, or give a function for each direction where the change takes one.",
            name=field,
        )


def type_problems(snapshot: Snapshot, entity: str, field: str, kind: LogicalType) -> Iterator[Finding]:
    """Yield an error where a database that declares types declares another one for a field."""
    known = type_of(snapshot, entity, field)
    if snapshot.declares_fields and known is not None and known != kind:
        yield presence.problem(
            "type-differs",
            snapshot,
            f"{field} of {entity} is {known}, not {kind}",
            f"Write {str(known)!r}.",
            name=field,
        )


def array_problems(snapshot: Snapshot, entity: str, field: str) -> Iterator[Finding]:
    """Yield an error where a field cannot hold arrays of objects."""
    known = type_of(snapshot, entity, field)
    if known is not None and known.kind is not Kind.JSON:
        yield presence.problem(
            "field-is-no-array",
            snapshot,
            f"{field} of {entity} is {known} and holds no arrays of objects",
            "Name a field of type Json.",
            name=field,
        )


def member_problems(snapshot: Snapshot, field: str, kind: LogicalType | None) -> Iterator[Finding]:
    """Yield an error where values of a type cannot be members of a JSON object and come back the same."""
    if kind is not None and kind.kind not in _IN_JSON:
        yield presence.problem(
            "type-not-in-json",
            snapshot,
            f"values of {field} ({kind}) would be another type inside an object",
            "Leave the field out, or give it a type that JSON has.",
            name=field,
        )
