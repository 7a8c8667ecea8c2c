"""What the catalogs themselves call unfinished: indexes that are invalid, constraints that were never validated."""

from collections.abc import Mapping

from skill_server.model.ids import BackendKind
from skill_server.model.snapshot import Snapshot


def flaws(snapshots: Mapping[BackendKind, Snapshot]) -> tuple[str, ...]:
    """Name every one of them."""
    found = [
        f"{kind}: index {index.name} of {entity.name} is invalid"
        for kind, snapshot in snapshots.items()
        for entity in snapshot.entities
        for index in entity.indexes
        if not index.valid
    ]
    found += [
        f"{kind}: constraint {item.name} of {entity.name} was never validated"
        for kind, snapshot in snapshots.items()
        for entity in snapshot.entities
        for item in entity.constraints
        # What is not enforced at all waits for no validation.
        if not item.validated and not item.definition.endswith("NOT ENFORCED")
    ]
    return tuple(found)
