"""Giving a field another type while its old values stay beside it, byte for byte, until they are purged."""

from collections.abc import Iterator

from skill_server.backends.postgres.identifiers import quoted, retired
from skill_server.backends.postgres.render import rebuild, retype_fit, retype_key
from skill_server.backends.postgres.render.bad import Bad
from skill_server.backends.postgres.render.conversions import Conversion, conversion
from skill_server.backends.postgres.render.parts import Parts, parts_of
from skill_server.backends.postgres.render.retype_along import Along, computed_from
from skill_server.backends.postgres.render.scene import Scene, probe, unusable
from skill_server.backends.postgres.schema import types
from skill_server.errors import Refused
from skill_server.model.action import RetypeField
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.logical import Fidelity, fidelity
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.snapshot import Field, Snapshot

# Written again, or taken along with the column.
_HARMLESS = rebuild.RESTATED | {
    "comment on index",
    "comment on constraint",
    "foreign_key",
    "generated column",
}


def retype_field(action: RetypeField, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Hide the old column, add one of the new type under its name and fill it, in one transaction.

    Generated columns that read it are hidden and made anew with it. A key goes another way, see `render_retype_key`.
    """
    field = place.require(action.field)
    if action.was == action.to:
        raise unusable(f"{action.entity}.{action.field} already is {action.was}", "Name another type.")
    if (followed := retype_key.followed(action, place, snapshot)) is not None:
        return followed
    if retype_key.is_key(place, action.field):
        return retype_key.retype_key(action, place, snapshot)
    forward = _conversion(action, field)
    back = conversion(action.to, action.was)
    bad = Bad(action, place, field)
    bad.require_room()
    if field.default is not None and forward.query:
        raise Refused(
            "field-has-default",
            f"the default of {action.entity}.{action.field} cannot be converted from {action.was} to {action.to}",
            help="Drop the default first.",
        )
    if back is None:
        raise unusable(f"{action.to} has no way back to {action.was}", "Name another type.")
    computed = computed_from(place, action.field)
    parts = parts_of(place, action.field, "retyping")
    for item in computed:
        parts = parts.joined(parts_of(place, item.name, "retyping"))
    for name in (action.field, *(item.name for item in computed)):
        rebuild.refuse_stuck(place, name, "retyping", harmless=_HARMLESS)
    _refuse_whole(action, place, field, parts, computed)
    along = Along.of(action, place, computed)
    column = quoted(field.native_name)
    hidden = quoted(retired(place.migration, place.entity.name, action.field, field.native_name))
    lossy = fidelity(action.was, action.to) is Fidelity.LOSSY
    there = tuple(_unfit(place, forward, field, f"{action.was} to {action.to}"))
    returning = tuple(_unfit_back(action, place, bad.forward(forward), back, column, hidden))
    return (
        Piece(
            phase=Phase.EXPAND,
            up=Way(
                summary=f"convert {place.table}.{column} from {action.was} to {action.to}, keeping the old as {hidden}",
                statements=tuple(_up(bad, forward, hidden, parts, along)),
                before=(
                    *(item for item in there if not bad.replaced or item.id != f"unfit-{field.name}"),
                    *bad.needs_default(back),
                ),
                notes=tuple(item for item in there if bad.replaced and item.id == f"unfit-{field.name}"),
                hazards=(
                    Hazard.BLOCKS_READS,
                    Hazard.SCANS,
                    Hazard.REWRITES,
                    Hazard.RETIRES_DATA,
                    Hazard.BREAKS_OLD_CODE,
                    *((Hazard.LOSES_PRECISION,) if lossy else ()),
                ),
            ),
            down=Way(
                summary=f"bring back {place.table}.{column} as {action.was} with its old values",
                statements=tuple(_down(bad, forward, back, hidden, parts, along)),
                before=() if bad.replaced else returning,
                notes=returning if bad.replaced else (),
                hazards=(Hazard.BLOCKS_READS, Hazard.SCANS, Hazard.BREAKS_OLD_CODE),
            ),
        ),
    )


def _conversion(action: RetypeField, field: Field) -> Conversion:
    if field.type != action.was:
        raise Refused(
            "type-differs",
            f"{action.entity}.{action.field} is {field.native_type} in PostgreSQL, not {action.was}",
            help="Name the type that inspect_schema shows.",
            next_tool="inspect_schema",
        )
    found = conversion(action.was, action.to)
    if found is None:
        raise Refused(
            "conversion-unknown",
            f"PostgreSQL has no checked conversion from {action.was} to {action.to}",
            help="Add a field of the new type and compute it with transform_fields.",
        )
    return found


def _refuse_whole(
    action: RetypeField, place: Scene, field: Field, parts: Parts, computed: tuple[Field, ...]
) -> None:
    reasons = [f"constraint {item.name}" for item in parts.constraints if item.kind == "exclusion"]
    if field.generated:
        reasons.append("generation from other fields")
    reasons.extend(retype_fit.unfit(action, parts, field, computed))
    if reasons:
        raise Refused(
            "field-has-dependents",
            f"retyping {place.entity.name}.{action.field} would break its {', '.join(reasons)}",
            help="Change or drop what the message names first.",
        )


def _up(
    bad: Bad,
    forward: Conversion,
    hidden: str,
    parts: Parts,
    along: Along,
) -> Iterator[Statement]:
    action, place, field = bad.action, bad.place, bad.field
    column = quoted(field.native_name)
    yield place.locked()
    yield from parts.drops()
    if not field.nullable:
        yield place.altered(f"ALTER COLUMN {column} DROP NOT NULL")
    if field.default is not None:
        yield place.altered(f"ALTER COLUMN {column} DROP DEFAULT")
    yield place.altered(f"RENAME COLUMN {column} TO {hidden}")
    yield place.altered(f"ADD COLUMN {column} {types.native(action.to)}")
    filled = (
        f"UPDATE {place.table} SET {column} = {bad.forward(forward).value(hidden)} WHERE {hidden} IS NOT NULL"
    )
    yield from place.silenced(Statement(text=filled, lock=Lock.ROW_EXCLUSIVE))
    if field.default is not None:
        # The column's length or scale is checked when a default is used, not when it is set.
        yield place.altered(f"ALTER COLUMN {column} SET DEFAULT {forward.value(f'({field.default})')}")
    yield from along.removals()
    yield from along.hidden()
    yield from _closed(place, field, parts)
    yield from rebuild.restated(place, along.fields)
    yield from along.definitions()


def _down(
    bad: Bad,
    forward: Conversion,
    back: Conversion,
    hidden: str,
    parts: Parts,
    along: Along,
) -> Iterator[Statement]:
    place, field = bad.place, bad.field
    column = quoted(field.native_name)
    yield place.locked()
    changed = f"{column} IS DISTINCT FROM {_converted(bad.forward(forward), hidden)}"
    yield from bad.returning(back, column, changed)
    restored = f"UPDATE {place.table} SET {hidden} = {_converted(bad.back(back), column)} WHERE {changed}"
    yield from place.silenced(Statement(text=restored, lock=Lock.ROW_EXCLUSIVE))
    yield from along.removals()
    yield from parts.drops()
    yield from along.dropped()
    yield place.altered(f"DROP COLUMN {column}")
    yield place.altered(f"RENAME COLUMN {hidden} TO {column}")
    yield from along.shown()
    if field.default is not None:
        yield place.altered(f"ALTER COLUMN {column} SET DEFAULT {field.default}")
    yield from _closed(place, field, parts)
    yield from along.definitions()


def _closed(place: Scene, field: Field, parts: Parts) -> Iterator[Statement]:
    if not field.nullable:
        yield place.altered(f"ALTER COLUMN {quoted(field.native_name)} SET NOT NULL")
    yield from parts.rebuilds()


def _converted(conversion: Conversion, operand: str) -> str:
    return f"CASE WHEN {operand} IS NOT NULL THEN {conversion.value(operand)} END"


def _unfit(place: Scene, conversion: Conversion, field: Field, ways: str) -> Iterator[Probe]:
    if conversion.unfit is None:
        return
    if field.default is not None:
        # Setting a default does not evaluate it; every later insert would fail.
        yield probe(
            f"unfit-default-of-{field.name}",
            f"defaults of {place.entity.name}.{field.name} cannot go from {ways}",
            "Change or drop the default.",
            f"SELECT 'default' WHERE {conversion.unfit(f'({field.default})')}",
        )
    column = quoted(field.native_name)
    yield probe(
        f"unfit-{field.name}",
        f"records of {place.entity.name} have a value in {field.name} that cannot go from {ways}",
        "Correct these values.",
        f"SELECT {place.key('t')} FROM {place.table} AS t "
        f"WHERE t.{column} IS NOT NULL AND ({conversion.unfit(f't.{column}')})",
    )


def _unfit_back(
    action: RetypeField, place: Scene, forward: Conversion, back: Conversion, column: str, hidden: str
) -> Iterator[Probe]:
    changed = f"t.{column} IS DISTINCT FROM {_converted(forward, f't.{hidden}')}"
    rows = f"SELECT {place.key('t')} FROM {place.table} AS t WHERE {changed}"
    if back.unfit is not None:
        yield probe(
            f"unfit-{action.field}",
            f"records of {place.entity.name} got a value in {action.field} that does not fit {action.was}",
            "Correct these values.",
            f"{rows} AND t.{column} IS NOT NULL AND ({back.unfit(f't.{column}')})",
        )
