"""What leans on a column that gets another type: what is taken off and put back, and what stands in the way."""

from collections.abc import Iterable, Sequence

from skill_server.backends.postgres.render.scene import Scene, refuse_dependents
from skill_server.model.hazard import Lock
from skill_server.model.plan import Statement
from skill_server.model.snapshot import Dependent

# Made again from their definitions, after which they read the column of the new type.
REBUILT = frozenset(
    {
        "view",
        "materialized view",
        "policy",
        "rule",
        "trigger",
        "statistics object",
        "publication relation",
    }
)
# Said again of what is new; the old column keeps its own.
RESTATED = frozenset({"comment on column", "column privileges"})


def rebuilt(
    place: Scene, fields: Iterable[str], *, besides: frozenset[str] = frozenset()
) -> tuple[Dependent, ...]:
    """Return what has to be made again because of any of these fields, each before what reads it.

    `besides` are kinds that follow by themselves.
    """
    wanted = frozenset(fields)
    return tuple(
        item
        for item in place.entity.dependents
        if item.kind in REBUILT - besides and item.removal is not None and wanted.intersection(item.fields)
    )


def merged(lists: Iterable[Sequence[Dependent]]) -> tuple[Dependent, ...]:
    """Return the dependents of several tables, each once; every list is a part of one order of the whole database."""
    waiting = [list(items) for items in lists if items]
    found: list[Dependent] = []
    while waiting:
        names = [[(item.kind, item.name) for item in items] for items in waiting]
        first = next(
            items[0]
            for items, own in zip(waiting, names, strict=True)
            if not any(own[0] in other[1:] for other in names)
        )
        found.append(first)
        taken = (first.kind, first.name)
        waiting = [
            rest for items in waiting if (rest := [item for item in items if (item.kind, item.name) != taken])
        ]
    return tuple(found)


def restated(place: Scene, fields: Iterable[str]) -> tuple[Statement, ...]:
    """Return the comments and privileges of these fields."""
    wanted = frozenset(fields)
    return tuple(
        Statement(text=text, lock=Lock.SHARE_UPDATE_EXCLUSIVE)
        for item in place.entity.dependents
        if item.kind in RESTATED and item.definition is not None and wanted.intersection(item.fields)
        for text in (item.definition, *item.afterwards)
    )


def removals(dependents: Sequence[Dependent]) -> tuple[Statement, ...]:
    """Return what takes them off, readers first."""
    return tuple(
        Statement(text=item.removal or "", lock=Lock.ACCESS_EXCLUSIVE) for item in reversed(dependents)
    )


def definitions(dependents: Sequence[Dependent]) -> tuple[Statement, ...]:
    """Return what puts them back with owner, privileges, state and comments."""
    return tuple(
        Statement(text=text, lock=Lock.ACCESS_EXCLUSIVE)
        for item in dependents
        for text in (item.definition or "", *item.afterwards)
    )


def refuse_stuck(place: Scene, field: str, doing: str, *, harmless: frozenset[str]) -> None:
    """Refuse where something leans on a field that is neither harmless nor made again (`field-has-dependents`)."""
    stuck = [
        item
        for item in place.dependents(field)
        if item.kind not in harmless and not (item.kind in REBUILT and item.removal is not None)
    ]
    refuse_dependents(place, field, doing, stuck)
