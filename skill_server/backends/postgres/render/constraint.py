"""Checks and foreign keys: added without a scan under a blocking lock, and dropped with their definition remembered."""

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.render.parts import Parts
from skill_server.backends.postgres.render.rules import condition
from skill_server.backends.postgres.render.scene import Scene, scene
from skill_server.errors import Refused
from skill_server.model.action import (
    AddConstraint,
    CheckSpec,
    ReferenceSpec,
    RemoveConstraint,
    RetireConstraint,
)
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.snapshot import Constraint, Snapshot

_KINDS = {"check": "check", "reference": "foreign_key"}


def add_constraint(action: AddConstraint, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Add a constraint for new rows, then look at the old ones while others write.

    Raises:
        Refused: the name is taken (`constraint-exists`), or nothing makes the referenced field unique
            (`reference-not-unique`).
    """
    if any(item.name == action.name for item in place.entity.constraints):
        raise Refused(
            "constraint-exists",
            f"{place.entity.name} already has a constraint {action.name!r} in PostgreSQL",
            help="Choose another name.",
        )
    made = _constraint(action, place, snapshot)
    return _coming(place, made)


def remove_constraint(action: RemoveConstraint, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Drop a constraint that `add_constraint` made."""
    _existing(action.name, place)
    return _going(place, _constraint(action, place, snapshot))


def retire_constraint(action: RetireConstraint, place: Scene) -> tuple[Piece, ...]:
    """Drop a constraint; its definition is in the way back.

    Raises:
        Refused: there is no such constraint of this kind (`constraint-missing`).
    """
    found = _existing(action.name, place)
    if found.kind != _KINDS[action.of]:
        raise _missing(action.name, place, f"which is a {found.kind.replace('_', ' ')}, no {action.of}")
    return _going(place, found)


def _existing(name: str, place: Scene) -> Constraint:
    found = next((item for item in place.entity.constraints if item.name == name), None)
    if found is None:
        raise _missing(name, place, "which inspect_schema does not show")
    return found


def _missing(name: str, place: Scene, why: str) -> Refused:
    return Refused(
        "constraint-missing",
        f"{place.entity.name} has no such constraint {name!r} in PostgreSQL, {why}",
        help="Name a constraint that inspect_schema shows.",
        next_tool="inspect_schema",
    )


def _constraint(action: AddConstraint | RemoveConstraint, place: Scene, snapshot: Snapshot) -> Constraint:
    spec = action.spec
    field = place.require(spec.field)
    column = place.column(spec.field)
    match spec:
        case CheckSpec():
            return Constraint(
                name=action.name,
                kind="check",
                fields=(spec.field,),
                definition=f"CHECK ({condition(spec.rule, column, field)})",
            )
        case ReferenceSpec():
            other = scene(spec.references, snapshot, place.names, place.migration)
            other.require(spec.references_field)
            _require_unique(other, spec.references_field)
            rule = "" if spec.on_delete == "no action" else f" ON DELETE {spec.on_delete.upper()}"
            referenced = f"{other.table}({other.column(spec.references_field)})"
            return Constraint(
                name=action.name,
                kind="foreign_key",
                fields=(spec.field,),
                definition=f"FOREIGN KEY ({column}) REFERENCES {referenced}{rule}",
            )


def _require_unique(other: Scene, field: str) -> None:
    unique = [item.fields for item in other.entity.constraints if item.kind in {"primary_key", "unique"}]
    # A unique index serves too, unless it is partial, of expressions or with more columns.
    unique += [
        tuple(key.field or "" for key in item.keys)
        for item in other.entity.indexes
        if item.unique and " WHERE " not in item.definition and item.definition
    ]
    if (field,) not in (other.entity.key, *unique):
        raise Refused(
            "reference-not-unique",
            f"nothing keeps {other.entity.name}.{field} unique, so no record can be named by it",
            help="Reference the primary key, or build a unique index in a migration before this one.",
        )


def _coming(place: Scene, made: Constraint) -> tuple[Piece, ...]:
    broken = _breaking(place, made)
    return (
        Piece(
            phase=Phase.EXPAND,
            up=_adding(place, made, broken, (Hazard.BREAKS_OLD_CODE,)),
            down=_dropping(place, made),
        ),
        Piece(phase=Phase.VALIDATE, up=_validating(place, made, broken), down=_nothing(made)),
    )


def _going(place: Scene, made: Constraint) -> tuple[Piece, ...]:
    """Return the pieces of a constraint that goes: those of one that comes, the other way round."""
    broken = _breaking(place, made)
    back = _adding(place, made, broken, ())
    comments = tuple(
        Statement(text=item.definition or "", lock=Lock.SHARE_UPDATE_EXCLUSIVE)
        for item in place.entity.dependents
        if item.kind == "comment on constraint" and item.name == made.name
    )
    back = back.model_copy(update={"statements": (*back.statements, *comments)})
    going = Piece(phase=Phase.CONTRACT, up=_dropping(place, made), down=back)
    if not made.validated:
        return (going,)
    return (
        Piece(phase=Phase.VALIDATE, up=_nothing(made), down=_validating(place, made, broken)),
        going,
    )


def _breaking(place: Scene, made: Constraint) -> tuple[Probe, ...]:
    """Ask for rows that do not fit; none where the constraint was never held against the old rows."""
    return tuple(Parts(place, "", (), (made,), ()).probes(f"{place.table} AS t"))


def _adding(place: Scene, made: Constraint, broken: tuple[Probe, ...], hazards: tuple[Hazard, ...]) -> Way:
    late = " NOT VALID" if made.validated else ""
    added = f"ALTER TABLE {place.table} ADD CONSTRAINT {quoted(made.name)} {made.definition}{late}"
    # A foreign key locks both tables; a check its own, but against everybody.
    lock = Lock.SHARE_ROW_EXCLUSIVE if made.kind == "foreign_key" else Lock.ACCESS_EXCLUSIVE
    return Way(
        summary=f"hold new rows of {place.table} to {quoted(made.name)}",
        statements=(Statement(text=added, lock=lock),),
        before=broken,
        hazards=hazards,
    )


def _dropping(place: Scene, made: Constraint) -> Way:
    return Way(
        summary=f"drop the constraint {quoted(made.name)} of {place.table}",
        statements=(place.altered(f"DROP CONSTRAINT {quoted(made.name)}"),),
        hazards=(Hazard.WEAKENS_CONSTRAINT,),
    )


def _validating(place: Scene, made: Constraint, broken: tuple[Probe, ...]) -> Way:
    validated = f"ALTER TABLE {place.table} VALIDATE CONSTRAINT {quoted(made.name)}"
    return Way(
        summary=f"hold the rows that {place.table} has to {quoted(made.name)} while others write",
        statements=(Statement(text=validated, lock=Lock.SHARE_UPDATE_EXCLUSIVE),),
        after=broken,
        hazards=(Hazard.SCANS,),
    )


def _nothing(made: Constraint) -> Way:
    return Way(summary=f"nothing: {quoted(made.name)} may stay valid until it goes", statements=())
