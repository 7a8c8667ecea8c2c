"""Defaults, and whether a column may be empty."""

from skill_server.backends.postgres.identifiers import quoted
from skill_server.backends.postgres.literals import literal, text_literal
from skill_server.backends.postgres.render.scene import Scene, probe, unusable
from skill_server.backends.postgres.schema import types
from skill_server.errors import Refused
from skill_server.model.action import SetDefault, SetNullable
from skill_server.model.base import digest
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.logical import Kind
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.snapshot import Field


def set_default(action: SetDefault, place: Scene) -> tuple[Piece, ...]:
    """Set or drop a default; the way back holds the one that was there, whatever expression it is.

    Raises:
        Refused: the column computes or numbers itself (`field-fills-itself`).
    """
    field = place.require(action.field)
    _require_plain(place, field)
    if action.default is not None and field.type is None:
        raise unusable(
            f"the type {field.native_type} of {action.field} has no spelling for a default",
            "Set this default by raw statements.",
        )
    column = place.column(action.field)
    old = _old_default(field)
    new = None if action.default is None or field.type is None else literal(action.default, field.type)
    if new is None and old is None:
        nothing = Way(summary=f"nothing: {place.table}.{column} has no default", statements=())
        return (Piece(phase=Phase.EXPAND, up=nothing, down=nothing),)
    # Code that leaves a required column out works until its default goes.
    dropped = new is None and not field.nullable
    return (
        Piece(
            phase=Phase.CONTRACT if new is None else Phase.EXPAND,
            up=_defaulting(place, column, new, (Hazard.BREAKS_OLD_CODE,) if dropped else ()),
            down=_defaulting(place, column, old, ()),
        ),
    )


def _defaulting(place: Scene, column: str, default: str | None, hazards: tuple[Hazard, ...]) -> Way:
    if default is None:
        summary, what = f"new rows of {place.table} get no default in {column}", "DROP DEFAULT"
    else:
        summary = f"new rows of {place.table} get {default} in {column} where nothing is given"
        what = f"SET DEFAULT {default}"
    return Way(summary=summary, statements=(place.altered(f"ALTER COLUMN {column} {what}"),), hazards=hazards)


def _old_default(field: Field) -> str | None:
    if field.default is None or field.type is None or field.native_type != str(field.type):
        return field.default
    # A field that only the plan foresees has its default as an author wrote it, not as an expression.
    if field.type.kind is Kind.JSON:
        raise unusable(
            f"the default of {field.name} is set twice in one migration",
            "Give the last one when it is added.",
        )
    return f"{text_literal(field.default)}::{types.native(field.type)}"


def _require_plain(place: Scene, field: Field) -> None:
    if field.identity or field.generated:
        raise Refused(
            "field-fills-itself",
            f"{place.entity.name}.{field.name} is {'an identity' if field.identity else 'generated'} column",
            help="Choose another field, or drop the identity or generation by raw statements first.",
        )


def set_nullable(action: SetNullable, place: Scene) -> tuple[Piece, ...]:
    """Require a value without a scan under a blocking lock, or require none; each is the other's way back.

    A check that is not valid yet keeps new rows out, `VALIDATE` looks at the old ones while others write, and
    `SET NOT NULL` then trusts the check (manual, ALTER TABLE, SET NOT NULL).

    Raises:
        Refused: the column must not be empty by its nature (`field-is-key`, `field-fills-itself`).
    """
    field = place.require(action.field)
    column = place.column(action.field)
    if field.nullable is action.nullable:
        word = "may be empty" if action.nullable else "is required"
        nothing = Way(summary=f"nothing: {place.table}.{column} {word} already", statements=())
        return (Piece(phase=Phase.EXPAND, up=nothing, down=nothing),)
    if action.nullable and action.field in place.entity.key:
        raise Refused(
            "field-is-key",
            f"{place.entity.name}.{action.field} is part of the primary key, which is never empty",
            help="Keep it required.",
        )
    if action.nullable and field.identity:
        _require_plain(place, field)
    if action.with_update:
        update = _lifting if action.nullable else _requiring_late
        return update(place, action.field, column)
    pieces = _requiring(place, action.field, column)
    if not action.nullable:
        return pieces
    phases = {Phase.EXPAND: Phase.CONTRACT, Phase.VALIDATE: Phase.VALIDATE, Phase.CONTRACT: Phase.EXPAND}
    return tuple(
        Piece(phase=phases[piece.phase], up=piece.down, down=piece.up)
        for piece in reversed(pieces)
        if piece.down is not None
    )


def _requiring(place: Scene, field: str, column: str) -> tuple[Piece, ...]:
    check = quoted(f"database_migration_required_{digest([place.entity.name, field], length=8)}")
    guard = place.altered(f"ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID")
    unguard = place.altered(f"DROP CONSTRAINT {check}")
    empty = _empty(place, field, column)
    return (
        Piece(
            phase=Phase.EXPAND,
            up=Way(
                summary=f"refuse new rows of {place.table} without {column}",
                statements=(guard,),
                before=(empty,),
                hazards=(Hazard.BREAKS_OLD_CODE,),
            ),
            down=Way(
                summary=f"let new rows of {place.table} leave {column} empty",
                statements=(unguard,),
                hazards=(Hazard.WEAKENS_CONSTRAINT,),
            ),
        ),
        Piece(
            phase=Phase.VALIDATE,
            up=Way(
                summary=f"look for rows of {place.table} without {column} while others write",
                statements=(
                    Statement(
                        text=f"ALTER TABLE {place.table} VALIDATE CONSTRAINT {check}",
                        lock=Lock.SHARE_UPDATE_EXCLUSIVE,
                    ),
                ),
                hazards=(Hazard.SCANS,),
            ),
            down=Way(summary=f"nothing: the check of {column} may stay valid until it goes", statements=()),
        ),
        Piece(
            phase=Phase.CONTRACT,
            up=Way(
                summary=f"require {place.table}.{column}, as the valid check has shown",
                statements=(place.altered(f"ALTER COLUMN {column} SET NOT NULL"), unguard),
                after=(empty,),
            ),
            down=Way(
                summary=f"require {place.table}.{column} by a check alone",
                # The check comes first, so that no row slips through between the two.
                statements=(guard, place.altered(f"ALTER COLUMN {column} DROP NOT NULL")),
            ),
        ),
    )


def _requiring_late(place: Scene, field: str, column: str) -> tuple[Piece, ...]:
    """Begin to require a value once all rows have theirs; on the way back they lose it again, so nothing is left."""
    guard, check, close = _requiring(place, field, column)
    gone = (
        guard.down.statements[0].text.replace("DROP CONSTRAINT ", "DROP CONSTRAINT IF EXISTS ")
        if guard.down
        else ""
    )
    lifted = Way(
        summary=f"let rows of {place.table} leave {column} empty again",
        statements=(place.altered(f"ALTER COLUMN {column} DROP NOT NULL"),),
        hazards=(Hazard.WEAKENS_CONSTRAINT,),
    )
    # After the last piece ran its way back, the check is gone already; after a failure before it, it is not.
    unguarded = Way(
        summary=f"drop the check of {column}, where it is there",
        statements=(Statement(text=gone, lock=Lock.ACCESS_EXCLUSIVE),),
    )
    return (
        guard.model_copy(update={"phase": Phase.VALIDATE, "down": unguarded}),
        check,
        close.model_copy(update={"down": lifted}),
    )


def _lifting(place: Scene, field: str, column: str) -> tuple[Piece, ...]:
    """Require no value before the first row loses it; on the way back every row has one again before it is required."""
    empty = _empty(place, field, column)
    return (
        Piece(
            phase=Phase.EXPAND,
            up=Way(
                summary=f"let rows of {place.table} leave {column} empty",
                statements=(place.altered(f"ALTER COLUMN {column} DROP NOT NULL"),),
                hazards=(Hazard.WEAKENS_CONSTRAINT,),
            ),
            down=Way(
                summary=f"require {place.table}.{column} again",
                statements=(place.altered(f"ALTER COLUMN {column} SET NOT NULL"),),
                before=(empty,),
                after=(empty,),
                hazards=(Hazard.SCANS, Hazard.BLOCKS_READS),
            ),
        ),
    )


def _empty(place: Scene, field: str, column: str) -> Probe:
    return probe(
        f"empty-{field}",
        f"records of {place.entity.name} have no value in {field}",
        "Fill these records, or let the field be empty.",
        f"SELECT {place.key('t')} FROM {place.table} AS t WHERE t.{column} IS NULL",
    )
