"""Adding a field and taking it away again, without losing what was written into it meanwhile."""

from skill_server.backends.postgres.identifiers import kept, quoted
from skill_server.backends.postgres.literals import literal
from skill_server.backends.postgres.render.scene import Scene, probe
from skill_server.backends.postgres.schema import types
from skill_server.errors import Refused
from skill_server.model.action import AddField, RemoveField
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import KEPT_NAME
from skill_server.model.logical import Kind
from skill_server.model.plan import Phase, Piece, Statement, Way

UNWRITTEN = "database_migration_unwritten"


def add_field(action: AddField, place: Scene) -> tuple[Piece, ...]:
    """Add a nullable column, or one whose default fills every row without a rewrite."""
    place.require_free(action.field)
    return (Piece(phase=Phase.EXPAND, up=_adding(action, place), down=_removing(action, place)),)


def remove_field(action: RemoveField, place: Scene) -> tuple[Piece, ...]:
    """Take an added column away, keeping aside values that differ from its default."""
    place.require(action.field)
    return (Piece(phase=Phase.CONTRACT, up=_removing(action, place), down=_adding(action, place)),)


def _adding(action: AddField | RemoveField, place: Scene) -> Way:
    if not action.nullable and action.default is None:
        raise Refused(
            "default-needed",
            f"existing records of {place.entity.name} would have no value for {action.field}",
            help="Give the field a default or let it be nullable.",
        )
    column, type_ = place.column(action.field), types.native(action.type)
    words = [f"ADD COLUMN {column} {type_}"]
    if action.default is not None:
        # A constant default is stored once in the catalog; the rows are not rewritten (manual, ALTER TABLE, Notes).
        words.append(f"DEFAULT {literal(action.default, action.type)}")
    if not action.nullable:
        words.append("NOT NULL")
    added = place.altered(" ".join(words))
    if not place.entity.key:
        return Way(summary=f"add the column {place.table}.{column}", statements=(added,))
    aside = kept(place.entity.name, action.field, type_, *_keyed(place))
    filled = Statement(
        text=f"UPDATE {place.table} AS t SET {column} = k.value FROM {aside} AS k WHERE k.key = {place.key_array('t')}",
        lock=Lock.ROW_EXCLUSIVE,
    )
    return Way(
        summary=f"add the column {place.table}.{column}, with any values that an earlier downgrade kept aside",
        statements=(
            *_aside(aside, type_),
            added,
            *place.silenced(filled),
            Statement(text=f"DROP TABLE {aside}", lock=Lock.ACCESS_EXCLUSIVE),
        ),
    )


def _removing(action: AddField | RemoveField, place: Scene) -> Way:
    column, type_ = place.column(action.field), types.native(action.type)
    default = literal(action.default, action.type)
    written = f"t.{column} IS DISTINCT FROM {default}"
    dropped = place.altered(f"DROP COLUMN {column}")
    if not place.entity.key:
        # The constraint goes with the column; adding it fails where a value was written after the question below.
        unwritten = place.altered(
            f"ADD CONSTRAINT {quoted(UNWRITTEN)} CHECK ({column} IS NOT DISTINCT FROM {default})"
        )
        return Way(
            summary=f"drop the column {place.table}.{column}",
            statements=(unwritten, dropped),
            before=(
                probe(
                    "written-meanwhile",
                    f"records of {place.entity.name} have a value in {action.field} that cannot be kept without a key",
                    "Copy these values elsewhere and empty the field, or give the table a primary key.",
                    f"SELECT {place.key('t')} FROM {place.table} AS t WHERE {written}",
                ),
            ),
            hazards=(Hazard.BREAKS_OLD_CODE, Hazard.SCANS, Hazard.BLOCKS_READS),
        )
    aside = kept(place.entity.name, action.field, type_, *_keyed(place))
    saved = (
        f"INSERT INTO {aside} (key, value) SELECT {place.key_array('t')}, t.{column} FROM {place.table} AS t "
        f"WHERE {written}"
    )
    return Way(
        summary=f"drop the column {place.table}.{column}, keeping aside values that differ from its default",
        statements=(
            # A value committed between the reading and the dropping would be lost, so nobody writes meanwhile.
            place.locked(),
            *_aside(aside, type_),
            Statement(text=saved, lock=Lock.ROW_EXCLUSIVE),
            dropped,
        ),
        hazards=(Hazard.BREAKS_OLD_CODE, Hazard.SCANS, Hazard.RETIRES_DATA, Hazard.BLOCKS_READS),
    )


def _keyed(place: Scene) -> tuple[str, ...]:
    """Return how the parts of the primary key are written, nothing where all are whole numbers.

    Values that were kept before the key got another type would match no row and be dropped; so their table is another.
    """
    kinds = [
        field.type.kind if field.type else field.native_type for field in map(place.require, place.entity.key)
    ]
    if all(kind in (Kind.INTEGER, Kind.BIG_INTEGER) for kind in kinds):
        return ()
    return tuple(str(Kind.TEXT if kind is Kind.STRING else kind) for kind in kinds)


def _aside(aside: str, type_: str) -> tuple[Statement, ...]:
    return (
        Statement(text=f"CREATE SCHEMA IF NOT EXISTS {quoted(KEPT_NAME)}", lock=Lock.NONE),
        Statement(
            text=f"CREATE TABLE IF NOT EXISTS {aside} (key jsonb PRIMARY KEY, value {type_})", lock=Lock.NONE
        ),
    )
