"""Hiding a table with its rows in the schema of kept things, bringing it back whole, and deleting it for good."""

from collections.abc import Iterator

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.literals import text_literal
from skill_server.backends.postgres.render.entities import (
    bare,
    is_own,
    name_taken,
    refuse_leaning,
    renamed,
    schema_of,
    sequences,
)
from skill_server.backends.postgres.render.parts import Parts
from skill_server.backends.postgres.render.scene import Scene, probe
from skill_server.model.action import PurgeEntity, RetireEntity
from skill_server.model.base import digest
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import KEPT_NAME
from skill_server.model.plan import Phase, Piece, Statement, Way
from skill_server.model.snapshot import Constraint, Dependent, Snapshot

# These go along with the table; nobody else can use them.
_ALONG = frozenset(
    {
        "active rule",
        "active trigger",
        "trigger function",
        "generated column",
        "statistics object",
        "column privileges",
        "comment on column",
        "comment on index",
        "comment on constraint",
        "replica identity or cluster mark",
    }
)
_OWN = frozenset({"policy", "rule", "trigger"})


def hidden_name(migration: str, entity: str) -> str:
    """Return the name under which a migration hides an entity's table."""
    return f"entity_{digest([migration, entity], length=16)}"


def retire_entity(action: RetireEntity, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Move the table out of everybody's sight, after the foreign keys that would still act on it have been dropped.

    Its indexes and sequences get names of their own there, so that another table of the same name can follow it.

    Raises:
        Refused: something would go on using the table or fail without it (`entity-has-dependents`).
    """
    own = tuple(item for item in place.entity.constraints if _leads_away(item, place))
    mine = {f"{place.entity.name}.{item.name}" for item in place.entity.constraints}
    inbound = tuple(
        item for item in place.entity.dependents if item.kind == "foreign_key" and item.name not in mine
    )
    refuse_leaning(
        place,
        "retiring",
        (
            item
            for item in place.entity.dependents
            if item.kind not in _ALONG
            and item.kind != "foreign_key"
            and not (item.kind in _OWN and is_own(place, item))
        ),
    )
    parts = Parts(place, "", (), own, inbound)
    hidden = hidden_name(place.migration, place.entity.name)
    schema, name = schema_of(place.entity.native_name), bare(place.entity.native_name)
    there = quoted(KEPT_NAME, hidden)
    owned = list(_owned(place, hidden))
    up = (
        *parts.drops(),
        *(renamed(what, schema, old, new) for what, old, new in owned),
        renamed("TABLE", schema, name, hidden),
        Statement(text=f"CREATE SCHEMA IF NOT EXISTS {quoted(KEPT_NAME)}"),
        _moved(schema, hidden, KEPT_NAME),
    )
    down = (
        _moved(KEPT_NAME, hidden, schema),
        renamed("TABLE", schema, hidden, name),
        *(renamed(what, schema, new, old) for what, old, new in reversed(owned)),
        *parts.rebuilds(),
        *_comments(place, own, inbound, snapshot),
    )
    weakened = (Hazard.WEAKENS_CONSTRAINT,) if own or inbound else ()
    return (
        Piece(
            phase=Phase.CONTRACT,
            up=Way(
                summary=f"hide the table {place.table} as {there}, keeping its rows",
                statements=up,
                hazards=(Hazard.RETIRES_DATA, Hazard.BREAKS_OLD_CODE, *weakened),
            ),
            down=Way(
                summary=f"bring the table {place.table} back with its rows, indexes and constraints",
                statements=down,
                before=(
                    name_taken(schema, [name, *(old for _, old, _ in owned)]),
                    *parts.probes(f"{there} AS t"),
                ),
                hazards=parts.hazards(),
            ),
        ),
    )


def _leads_away(constraint: Constraint, place: Scene) -> bool:
    return constraint.kind == "foreign_key" and constraint.references != place.entity.name


def _owned(place: Scene, hidden: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and hidden name of what has a name in the schema besides the table itself."""
    for number, index in enumerate(place.entity.indexes):
        yield "INDEX", index.name, f"{hidden}_i{number}"
    for number, sequence in enumerate(sequences(place)):
        yield "SEQUENCE", sequence, f"{hidden}_s{number}"


def _moved(was: str, name: str, to: str) -> Statement:
    return Statement(
        text=f"ALTER TABLE {quoted(was, name)} SET SCHEMA {quoted(to)}", lock=Lock.ACCESS_EXCLUSIVE
    )


def _comments(
    place: Scene, own: tuple[Constraint, ...], inbound: tuple[Dependent, ...], snapshot: Snapshot
) -> Iterator[Statement]:
    """Yield the comments on the foreign keys, which went when those were dropped."""
    dropped = {f"{place.entity.name}.{item.name}" for item in own} | {item.name for item in inbound}
    for entity in snapshot.entities:
        for item in entity.dependents:
            if item.kind == "comment on constraint" and f"{entity.name}.{item.name}" in dropped:
                yield Statement(text=item.definition or "", lock=Lock.SHARE_UPDATE_EXCLUSIVE)


def purge_entity(action: PurgeEntity, migration: str) -> tuple[Piece, ...]:
    """Drop the table that a retirement hid; a question finds out before whether it is still there."""
    hidden = quoted(KEPT_NAME, hidden_name(migration, action.entity))
    return (
        Piece(
            phase=Phase.FINALIZE,
            up=Way(
                summary=f"delete the hidden table {hidden} of {action.entity} for good",
                statements=(Statement(text=f"DROP TABLE {hidden}", lock=Lock.ACCESS_EXCLUSIVE),),
                before=(
                    probe(
                        f"nothing-kept-of-{action.entity}",
                        f"table named {hidden} is missing, so nothing is kept",
                        "Name the migration that hid the entity.",
                        f"SELECT {text_literal(action.entity)} WHERE to_regclass({text_literal(hidden)}) IS NULL",
                    ),
                ),
                hazards=(Hazard.DELETES_DATA,),
            ),
            down=None,
        ),
    )
