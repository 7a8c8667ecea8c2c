"""Creating a table and taking it away again, without losing the rows that were written into it."""

from skill_server.backends.postgres.identifiers import kept, quoted, table
from skill_server.backends.postgres.literals import literal, text_literal
from skill_server.backends.postgres.render.entities import bare, name_taken, refuse_leaning, schema_of
from skill_server.backends.postgres.render.scene import Scene, probe, unusable
from skill_server.backends.postgres.schema import types
from skill_server.errors import Refused
from skill_server.model.action import AddEntity, FieldSpec, RemoveEntity
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.logical import Kind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.snapshot import Snapshot

_WHOLE = frozenset({Kind.INTEGER, Kind.BIG_INTEGER})


def add_entity(action: AddEntity, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Create a table with its primary key, and put back the rows that an earlier removal kept.

    Raises:
        Refused: PostgreSQL has such a table already (`entity-exists`).
    """
    native = names.native_entity(action.entity, BackendKind.POSTGRES)
    require_free(action.entity, native, snapshot)
    return (
        Piece(phase=Phase.EXPAND, up=_adding(action, native, names), down=_removing(action, native, names)),
    )


def remove_entity(action: RemoveEntity, place: Scene) -> tuple[Piece, ...]:
    """Drop a table that `add_entity` made, keeping its rows aside."""
    native = place.entity.native_name
    own = {f"{place.entity.name}.{item.name}" for item in place.entity.constraints}
    refuse_leaning(
        place,
        "removing",
        (
            item
            for item in place.entity.dependents
            if item.kind in {"view", "materialized view", "foreign_key", "function", "publication"}
            and item.name not in own
        ),
    )
    return (
        Piece(
            phase=Phase.CONTRACT,
            up=_removing(action, native, place.names),
            down=_adding(action, native, place.names),
        ),
    )


def require_free(entity: str, native: str, snapshot: Snapshot) -> None:
    """Refuse a logical or native name that a table already has (`entity-exists`)."""
    if any(entity == item.name or native in {item.native_name, item.name} for item in snapshot.entities):
        raise Refused(
            "entity-exists",
            f"PostgreSQL already has a table for {entity!r}",
            help="Choose another name.",
        )


def _columns(action: AddEntity | RemoveEntity, names: NameMap) -> dict[str, str]:
    """Return the quoted columns with their types."""
    return {_column(action, item.name, names): types.native(item.type) for item in action.fields}


def _column(action: AddEntity | RemoveEntity, field: str, names: NameMap) -> str:
    return quoted(names.native_field(action.entity, field, BackendKind.POSTGRES))


def _adding(action: AddEntity | RemoveEntity, native: str, names: NameMap) -> Way:
    new, aside, columns = table(native), kept(action.entity, ""), _columns(action, names)
    lines = [f"{_column(action, item.name, names)} {_words(item, action)}" for item in action.fields]
    key = ", ".join(_column(action, name, names) for name in action.key)
    listed = ", ".join(columns)
    numbered = [
        # The rows that come back keep their numbers; the next one must not be one of them.
        Statement(
            text=f"SELECT setval(pg_get_serial_sequence({text_literal(new)}, "
            f"{text_literal(names.native_field(action.entity, item.name, BackendKind.POSTGRES))}), max({column})) "
            f"FROM {new} HAVING max({column}) > 0",
            lock=Lock.ROW_EXCLUSIVE,
        )
        for item in action.fields
        if item.identity
        for column in [_column(action, item.name, names)]
    ]
    return Way(
        summary=f"create the table {new}, with any rows that an earlier downgrade kept aside",
        statements=(
            Statement(text=f"CREATE TABLE {new} ({', '.join(lines)}, PRIMARY KEY ({key}))"),
            *_aside(aside, columns),
            Statement(
                text=f"INSERT INTO {new} ({listed}) SELECT {listed} FROM {aside}", lock=Lock.ROW_EXCLUSIVE
            ),
            *numbered,
            Statement(text=f"DROP TABLE {aside}", lock=Lock.ACCESS_EXCLUSIVE),
        ),
        before=(name_taken(schema_of(native), [bare(native)]), _kept_otherwise(action, aside, names)),
    )


def _kept_otherwise(action: AddEntity | RemoveEntity, aside: str, names: NameMap) -> Probe:
    """Ask for columns in which the kept rows differ from the new table, which could not take them back whole."""
    held = (
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
        f"WHERE a.attrelid = to_regclass({text_literal(aside)}) AND a.attnum > 0 AND NOT a.attisdropped"
    )
    wanted = " UNION ALL ".join(
        f"SELECT {text_literal(names.native_field(action.entity, item.name, BackendKind.POSTGRES))}, "
        f"{text_literal(types.native(item.type))}"
        for item in action.fields
    )
    return probe(
        f"kept-otherwise-{action.entity}",
        f"fields of {action.entity} are not as an earlier downgrade kept them with its rows",
        f"Give the entity the fields it had, or move the rows out of {aside} and drop it.",
        f"SELECT d.name FROM ((({held}) EXCEPT ({wanted})) UNION ALL (({wanted}) EXCEPT ({held}))) AS d (name, kind) "
        f"WHERE to_regclass({text_literal(aside)}) IS NOT NULL",
    )


def _words(item: FieldSpec, action: AddEntity | RemoveEntity) -> str:
    words = [types.native(item.type)]
    if item.identity:
        if item.type.kind not in _WHOLE or item.default is not None:
            raise unusable(
                f"{action.entity}.{item.name} cannot number itself as {item.type} with a default",
                "Make it Integer or BigInteger without default.",
            )
        words.append("GENERATED BY DEFAULT AS IDENTITY")
    if item.default is not None:
        words.append(f"DEFAULT {literal(item.default, item.type)}")
    if not item.nullable or item.name in action.key:
        words.append("NOT NULL")
    return " ".join(words)


def _removing(action: AddEntity | RemoveEntity, native: str, names: NameMap) -> Way:
    gone, aside, columns = table(native), kept(action.entity, ""), _columns(action, names)
    listed = ", ".join(columns)
    known = ", ".join(
        text_literal(names.native_field(action.entity, item.name, BackendKind.POSTGRES))
        for item in action.fields
    )
    return Way(
        summary=f"drop the table {gone}, keeping its rows aside",
        statements=(
            # A row committed between the copying and the dropping would be lost, so nobody writes meanwhile.
            Statement(text=f"LOCK TABLE {gone} IN ACCESS EXCLUSIVE MODE", lock=Lock.ACCESS_EXCLUSIVE),
            *_aside(aside, columns),
            Statement(
                text=f"INSERT INTO {aside} ({listed}) SELECT {listed} FROM {gone}", lock=Lock.ROW_EXCLUSIVE
            ),
            Statement(text=f"DROP TABLE {gone}", lock=Lock.ACCESS_EXCLUSIVE),
        ),
        before=(
            probe(
                f"unknown-fields-of-{action.entity}",
                f"fields of {action.entity} came about elsewhere, and their values would not be kept",
                "Drop these fields first, or copy their values elsewhere.",
                f"SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = to_regclass({text_literal(gone)}) "
                f"AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ({known})",
            ),
        ),
        hazards=(Hazard.BREAKS_OLD_CODE, Hazard.SCANS, Hazard.RETIRES_DATA, Hazard.BLOCKS_READS),
    )


def _aside(aside: str, columns: dict[str, str]) -> tuple[Statement, ...]:
    listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    return (
        Statement(text=f"CREATE SCHEMA IF NOT EXISTS {quoted(KEPT_NAME)}"),
        Statement(text=f"CREATE TABLE IF NOT EXISTS {aside} ({listed})"),
    )
