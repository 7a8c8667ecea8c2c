"""Hiding a field under another column name, bringing it back whole, and deleting it for good."""

from collections.abc import Iterable, Iterator

from skill_server.backends import flows
from skill_server.backends.postgres.identifiers import quoted, retired
from skill_server.backends.postgres.literals import literal
from skill_server.backends.postgres.render import bad
from skill_server.backends.postgres.render.parts import Parts, parts_of
from skill_server.backends.postgres.render.scene import Scene, probe, refuse_dependents, unusable
from skill_server.errors import Refused
from skill_server.model.action import PurgeField, PurgeType, PurgeValues, RetireField
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import KEPT_NAME
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.snapshot import Field, Snapshot

# These follow the renamed column and go on working, or are taken off and rebuilt.
_HARMLESS = frozenset(
    {
        "foreign_key",
        "statistics object",
        "column privileges",
        "comment on column",
        "comment on index",
        "comment on constraint",
    }
)


def retire_field(action: RetireField, place: Scene) -> tuple[Piece, ...]:
    """Rename the column out of the way, after everything that would still act on it has been taken off."""
    field = place.require(action.field)
    parts = parts_of(place, action.field, "retiring")
    broken = [item for item in place.dependents(action.field) if item.kind not in _HARMLESS]
    refuse_dependents(place, action.field, "retiring", broken)
    column = quoted(field.native_name)
    hidden = quoted(retired(place.migration, place.entity.name, action.field, field.native_name))
    # An identity column fills itself and may not lose NOT NULL; a generated one computes itself.
    loose = not field.identity and not field.generated
    up = [*parts.drops()]
    if loose and not field.nullable:
        up.append(place.altered(f"ALTER COLUMN {column} DROP NOT NULL"))
    if loose and field.default is not None:
        up.append(place.altered(f"ALTER COLUMN {column} DROP DEFAULT"))
    up.append(place.altered(f"RENAME COLUMN {column} TO {hidden}"))
    refill = _refill(action, field) if loose else None
    down = [place.altered(f"RENAME COLUMN {hidden} TO {column}")]
    if loose and field.default is not None:
        down.append(place.altered(f"ALTER COLUMN {column} SET DEFAULT {field.default}"))
    if refill is not None:
        filled = f"UPDATE {place.table} SET {column} = {refill} WHERE {column} IS NULL"
        down += place.silenced(Statement(text=filled, lock=Lock.ROW_EXCLUSIVE))
    if loose and not field.nullable:
        down.append(place.altered(f"ALTER COLUMN {column} SET NOT NULL"))
    down += parts.rebuilds()
    weakened = (Hazard.WEAKENS_CONSTRAINT,) if parts.constraints or parts.inbound else ()
    scanned = () if field.nullable else (Hazard.SCANS, Hazard.BLOCKS_READS)
    return (
        Piece(
            phase=Phase.CONTRACT,
            up=Way(
                summary=f"hide the column {place.table}.{column} as {hidden}, keeping its values",
                statements=tuple(up),
                hazards=(Hazard.RETIRES_DATA, Hazard.BREAKS_OLD_CODE, *weakened),
            ),
            down=Way(
                summary=f"bring the column {place.table}.{column} back with its values, indexes and constraints",
                statements=tuple(down),
                before=tuple(_returning(place, parts, field, hidden, refill)),
                hazards=tuple(dict.fromkeys((*scanned, *parts.hazards()))),
            ),
        ),
    )


def _refill(action: RetireField, field: Field) -> str | None:
    """Return what records written meanwhile get; where NULL is allowed it cannot be told from an old NULL."""
    if field.nullable:
        return None
    if action.fill is None:
        return field.default
    if field.type is None:
        raise unusable(
            f"the type {field.native_type} of {action.field} has no spelling for a fill value",
            "Leave the fill value out.",
        )
    return literal(action.fill, field.type)


def _returning(place: Scene, parts: Parts, field: Field, hidden: str, refill: str | None) -> Iterator[Probe]:
    column = quoted(field.native_name)
    if not field.nullable and refill is None and not field.identity and not field.generated:
        yield probe(
            f"no-value-for-{field.name}",
            f"records of {place.entity.name} were written meanwhile and have no value for {field.name}",
            "Give the change a fill value, or fill these records.",
            f"SELECT {place.key('t')} FROM {place.table} AS t WHERE t.{hidden} IS NULL",
        )
    value = f"COALESCE(t.{hidden}, {refill})" if refill is not None else f"t.{hidden}"
    # A table without key is told by its rows' places, which a derived table would hide.
    place_of_row = "" if place.entity.key else "t.ctid AS ctid, "
    yield from parts.probes(f"(SELECT {place_of_row}t.*, {value} AS {column} FROM {place.table} AS t) AS t")


def purge(
    action: PurgeField | PurgeType, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Drop the columns that a retirement or a retype keeps, wherever later migrations took their tables.

    A retyped key has kept some in other tables too.

    Raises:
        Refused: no table of today keeps anything of this field for the migration (`nothing-kept`).
    """
    prefix = retired(migration, action.entity, action.field, "")
    found = [
        (Scene(entity, names, migration), field)
        for entity in snapshot.entities
        for field in entity.fields
        if field.native_name.startswith(prefix)
    ]
    if not found and isinstance(action, PurgeType) and _follows(snapshot, action):
        return (_purged_with_key(action),)
    if not found:
        raise Refused(
            "nothing-kept",
            f"no table keeps values of {action.field} of {action.entity} from {migration}",
            help="Name the migration that hid the field. If a later one hid the whole entity, the values are deleted "
            "with it.",
        )
    # A hidden column that is computed from another one goes first.
    found.sort(key=lambda item: not item[1].generated)
    gone = {field.native_name for _, field in found}
    for there, field in found:
        leaning = [
            item
            for item in there.dependents(field.name)
            if item.kind not in _HARMLESS and not (item.kind == "generated column" and item.name in gone)
        ]
        refuse_dependents(there, field.name, "deleting", leaning)
    kept: Iterable[Statement] = ()
    if isinstance(action, PurgeType) and action.keep_bad:
        kept = bad.kept_from_purge(action, *found[0])
    columns = [(there, quoted(field.native_name)) for there, field in found]
    said = ", ".join(f"{there.table}.{column}" for there, column in columns)
    return (
        Piece(
            phase=Phase.FINALIZE,
            up=Way(
                summary=f"delete the hidden column {said} for good"
                if len(columns) == 1
                else f"delete the hidden columns {said} for good",
                statements=(
                    *kept,
                    *(there.altered(f"DROP COLUMN {column}") for there, column in columns),
                ),
                hazards=(Hazard.DELETES_DATA,),
            ),
            down=None,
        ),
    )


def _follows(snapshot: Snapshot, action: PurgeType) -> bool:
    entity = snapshot.entity(action.entity)
    return entity is not None and any(
        item.kind == "foreign_key" and action.field in item.fields for item in entity.constraints
    )


def _purged_with_key(action: PurgeType) -> Piece:
    said = f"{action.entity}.{action.field} followed its key, with which its old values are deleted"
    return Piece(phase=Phase.FINALIZE, up=Way(summary=said, statements=()), down=None)


def purge_values(action: PurgeValues, migration: str) -> tuple[Piece, ...]:
    """Drop the store of old values that an update, or of new keys that a copy, keeps for its way back."""
    store = quoted(KEPT_NAME, flows.store(migration, action.entity, action.fields))
    return (
        Piece(
            phase=Phase.FINALIZE,
            up=Way(
                summary=f"delete {store}, which the way back of {migration} would need, for good",
                # A run that found no record to change has made none.
                statements=(Statement(text=f"DROP TABLE IF EXISTS {store}", lock=Lock.ACCESS_EXCLUSIVE),),
                hazards=(Hazard.DELETES_DATA,),
            ),
            down=None,
        ),
    )
