"""Finding the columns that have to change their type together with a key, and refusing what would not survive it."""

from collections.abc import Iterator

from skill_server.backends.postgres.identifiers import quoted, retired
from skill_server.backends.postgres.render import rebuild
from skill_server.backends.postgres.render.conversions import Conversion, conversion
from skill_server.backends.postgres.render.key_column import WHOLE, KeyColumn
from skill_server.backends.postgres.render.scene import Scene, scene
from skill_server.errors import Refused
from skill_server.model.action import RetypeField
from skill_server.model.logical import BadValues, Fidelity, LogicalType, fidelity
from skill_server.model.references import followers, references
from skill_server.model.snapshot import Field, Snapshot

# What ALTER COLUMN TYPE carries along, and what is looked at apart from this.
_HARMLESS = frozenset(
    {
        "foreign_key",
        "column privileges",
        "comment on column",
        "comment on index",
        "comment on constraint",
        "replica identity or cluster mark",
    }
)


def family(action: RetypeField, place: Scene, snapshot: Snapshot) -> tuple[KeyColumn, ...]:
    """Return the column and those that point to it, each after the one it points to.

    Raises:
        Refused: a column cannot change its type, or points to a column that keeps its own.
    """
    if action.on_bad is not BadValues.FAIL:
        raise Refused(
            "key-takes-every-value",
            f"{action.entity}.{action.field} is a key: a value that does not convert cannot be left out of it",
            help="Use the policy fail, and correct the values that the plan names.",
        )
    field = place.require(action.field)
    root = _column(action, place, field, None)
    found = {(place.entity.name, field.name): root}
    passed: set[tuple[str, str]] = set()
    for item in followers(snapshot, place.entity.name, field.name):
        own = (item.entity.name, item.field.name)
        if item.field.type == action.to:
            # It has the new type already, and so have the columns that point to it.
            passed.add(own)
            continue
        parent = found.get((item.parent_entity, item.parent_field))
        there = (
            place
            if item.entity.name == place.entity.name
            else scene(item.entity.name, snapshot, place.names, place.migration)
        )
        found[own] = _column(action, there, item.field, parent)
    _refuse_torn(snapshot, frozenset(found) | passed)
    for column in found.values():
        _refuse_stuck(column)
    return tuple(found.values())


def _column(action: RetypeField, place: Scene, field: Field, parent: KeyColumn | None) -> KeyColumn:
    name = f"{place.entity.name}.{field.name}"
    if field.type is None or (parent is None and field.type != action.was):
        raise Refused(
            "type-differs",
            f"{name} is {field.native_type} in PostgreSQL, not {action.was}",
            help="Name the type that inspect_schema shows.",
        )
    if fidelity(field.type, action.to) is Fidelity.LOSSY:
        raise Refused(
            "key-would-lose-digits",
            f"values of the key {name} may lose digits on the way from {field.type} to {action.to}",
            help="Choose a type that holds every value of the key.",
        )
    # The name begins alike in all tables, so that purging finds what this change keeps.
    hidden = quoted(retired(place.migration, action.entity, action.field, field.native_name))
    return KeyColumn(
        place=place,
        field=field,
        to=action.to,
        forward=_conversion(field.type, action.to, name),
        back=_conversion(action.to, field.type, name),
        hidden=hidden,
        parent=parent,
    )


def _conversion(was: LogicalType, to: LogicalType, name: str) -> Conversion:
    found = conversion(was, to)
    # A subquery cannot stand in ALTER COLUMN TYPE ... USING.
    if found is None or found.query:
        raise Refused(
            "conversion-unknown",
            f"PostgreSQL has no checked conversion of the key {name} from {was} to {to}",
            help="Add a field of the new type and compute it with transform_fields.",
        )
    return found


def _refuse_torn(snapshot: Snapshot, changing: frozenset[tuple[str, str]]) -> None:
    """Refuse a foreign key of which one end changes its type and the other does not."""
    for item in references(snapshot):
        own = (item.entity.name, item.field.name)
        parent = (item.parent_entity, item.parent_field)
        if own in changing and parent not in changing:
            raise Refused(
                "reference-follows-its-key",
                f"{'.'.join(own)} points by {item.constraint.name} to {'.'.join(parent)}, whose type it has to have",
                help=f"Retype {'.'.join(parent)}; what points to it follows.",
            )


def _refuse_stuck(column: KeyColumn) -> None:
    place, field = column.place, column.field
    rebuild.refuse_stuck(place, field.name, "retyping", harmless=_HARMLESS)
    if reasons := list(_reasons(column)):
        raise Refused(
            "field-has-dependents",
            f"retyping {place.entity.name}.{field.name} would break its {', '.join(reasons)}",
            help="Change or drop what the message names first.",
        )


def _reasons(column: KeyColumn) -> Iterator[str]:
    if column.field.generated:
        yield "generation from other fields"
    if column.field.identity and column.to.kind not in WHOLE:
        yield "identity, which numbers records with whole numbers only"
