"""The parts of a schema by name, each with a digest: small enough to record, and enough to say which part differs.

A fingerprint only says that two schemas differ.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from skill_server.model.base import Frozen, digest
from skill_server.model.ids import BackendKind
from skill_server.model.snapshot import Entity, Snapshot

_DIGITS: Final = 12
_ITSELF: Final = "entity"


class Parts(Frozen):
    """Every named part of a schema that had this fingerprint: by entity, then by its kind and name."""

    fingerprint: str
    entities: dict[str, dict[str, str]]


def parts_of(snapshot: Snapshot) -> Parts:
    """Return the parts of a schema; what sampling found is none, because it changes with the records."""
    return Parts(
        fingerprint=snapshot.fingerprint,
        entities={entity.name: dict(_parts(entity, snapshot)) for entity in snapshot.entities},
    )


def differences(known: Parts, now: Snapshot) -> tuple[str, ...]:
    """Say which part is missing, was added, or is another than it was."""
    return tuple(_differences(known.entities, parts_of(now).entities))


def recorded(snapshots: Mapping[BackendKind, Snapshot]) -> dict[str, dict[str, object]]:
    """Return the parts of both schemas for the ledger."""
    return {kind: parts_of(snapshot).model_dump(mode="json") for kind, snapshot in snapshots.items()}


def _parts(entity: Entity, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    yield _ITSELF, digest([entity.native_name, dict(entity.options)], length=_DIGITS)
    if snapshot.declares_fields:
        for field in entity.fields:
            plain = field.model_copy(update={"default": snapshot.spelled(field.default)})
            yield f"field {field.name}", digest(plain, length=_DIGITS)
    for index in entity.indexes:
        # One that was never finished is no part of a schema, as it is none of a backup; `flaws` tells of it.
        if index.valid:
            yield f"index {index.name}", digest(snapshot.spelled(index.definition), length=_DIGITS)
    for constraint in entity.constraints:
        yield (
            f"constraint {constraint.name}",
            digest([snapshot.spelled(constraint.definition), constraint.validated], length=_DIGITS),
        )
    if entity.validator is not None:
        yield "validator", digest(dict(entity.validator), length=_DIGITS)


def _differences(known: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> Iterator[str]:
    for entity in sorted(known.keys() - now.keys()):
        yield f"the entity {entity} is missing"
    for entity in sorted(now.keys() - known.keys()):
        yield f"the entity {entity} was added"
    for entity in sorted(known.keys() & now.keys()):
        before, after = known[entity], now[entity]
        for part in sorted(before.keys() | after.keys()):
            if before.get(part) == after.get(part):
                continue
            named = f"the {part} of {entity}" if part != _ITSELF else f"the place or an option of {entity}"
            what = "is missing" if part not in after else "was added" if part not in before else "was changed"
            yield f"{named} {what}"
