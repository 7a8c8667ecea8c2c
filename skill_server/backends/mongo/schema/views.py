"""Which views read a collection, directly, by joining it, or by way of another view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from skill_server.errors import Refused
from skill_server.model.snapshot import Entity, Snapshot

# The words of an aggregation by which it reads another collection ($lookup, $graphLookup, $unionWith).
READING = frozenset({"from", "coll", "$unionWith"})


def readers(snapshot: Snapshot, collection: str) -> tuple[Entity, ...]:
    """Return the views whose content comes from a collection in any way, in order of their names."""
    views = {entity.native_name: entity for entity in snapshot.entities if "viewOn" in entity.options}
    found: dict[str, Entity] = {}
    reached = {collection}
    while True:
        new = {
            name: view
            for name, view in views.items()
            if name not in found and reached & set(sources(view.options))
        }
        if not new:
            return tuple(found[name] for name in sorted(found))
        found |= new
        reached |= set(new)


def sources(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield the collections and views that a view with these options reads."""
    yield str(options["viewOn"])
    yield from _named(options.get("pipeline") or [])


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inside in cast("Mapping[str, Any]", value).items():
            if key in READING and isinstance(inside, str):
                yield inside
            yield from _named(inside)
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            yield from _named(item)


def require_none(snapshot: Snapshot, collection: str, entity: str) -> None:
    """Make sure that no view reads a collection that goes away under its name.

    Raises:
        Refused: `view-reads-entity`; the message names the views.
    """
    found = [view.native_name for view in readers(snapshot, collection)]
    if found:
        raise Refused(
            "view-reads-entity",
            f"{entity} is read by {'views' if len(found) > 1 else 'the view'} {', '.join(found)}, "
            "which would be empty",
            help=f"Drop {', '.join(found)} first, and make it again on the new name where it is still needed.",
        )
