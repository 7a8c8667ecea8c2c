"""Renaming a table, and moving it to another schema: what the server ties to it by number follows."""

from skill_server.backends.postgres.identifiers import SCHEMA, quoted
from skill_server.backends.postgres.render.entities import (
    bare,
    name_taken,
    refuse_leaning,
    renamed,
    schema_of,
    sequences,
)
from skill_server.backends.postgres.render.entity import require_free
from skill_server.backends.postgres.render.scene import Scene, unusable
from skill_server.backends.postgres.schema.naming import logical_names
from skill_server.errors import Refused
from skill_server.model.action import MoveEntity, RenameEntity
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.ids import KEPT_NAME, LEDGER_NAME, BackendKind
from skill_server.model.plan import Phase, Piece, Statement, Way
from skill_server.model.snapshot import Snapshot

_BY_NAME = frozenset({"function", "publication"})


def rename_entity(action: RenameEntity, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Rename a table; its indexes, constraints and sequences keep their names.

    Raises:
        Refused: the name is taken (`entity-exists`), or something names the table as text (`entity-has-dependents`).
    """
    old = place.entity.native_name
    schema = schema_of(old)
    named = place.names.native_entity(action.to, BackendKind.POSTGRES)
    if "." in named and schema_of(named) != schema:
        raise unusable(
            f"the name map puts {action.to} into the schema {schema_of(named)}",
            "Move the entity there in a migration of its own.",
        )
    new = bare(named)
    require_free(action.to, new if schema == SCHEMA else f"{schema}.{new}", snapshot)
    _refuse_named(place, "renaming")
    return (
        Piece(
            phase=Phase.EXPAND,
            up=_renaming(schema, bare(old), new),
            down=_renaming(schema, new, bare(old)),
        ),
    )


def _renaming(schema: str, old: str, new: str) -> Way:
    return Way(
        summary=f"rename the table {quoted(schema, old)} to {quoted(new)}",
        statements=(renamed("TABLE", schema, old, new),),
        before=(name_taken(schema, [new]),),
        hazards=(Hazard.BREAKS_OLD_CODE,),
    )


def move_entity(action: MoveEntity, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Move a table with its indexes and sequences; a schema that is not there is made, and goes on the way back.

    Raises:
        Refused: the table is not where the action says (`schema-differs`), its logical name would change
            (`entity-ambiguous`), or something names the table as text (`entity-has-dependents`).
    """
    native = place.entity.native_name
    was, to, name = schema_of(native), action.to, bare(native)
    if was != action.was or to == was:
        raise Refused(
            "schema-differs",
            f"{place.entity.name} lies in the schema {was}, not {action.was}"
            if to != was
            else f"{place.entity.name} lies in the schema {was} already",
            help="Name the schema that inspect_schema shows.",
            next_tool="inspect_schema",
        )
    if to in {KEPT_NAME, LEDGER_NAME} or to.startswith("pg_") or to == "information_schema":
        raise unusable(f"the schema {to} is kept for internal use", "Choose another schema.")
    _refuse_renaming(place, snapshot, to)
    _refuse_named(place, "moving")
    made = to not in (snapshot.namespaces or ())
    taking = [
        name,
        *(index.name for index in place.entity.indexes),
        *sequences(place),
    ]
    # Without CASCADE the server refuses to drop a schema that others have put something into meanwhile.
    create = (Statement(text=f"CREATE SCHEMA {quoted(to)}"),) if made else ()
    drop = (Statement(text=f"DROP SCHEMA {quoted(to)}", lock=Lock.ACCESS_EXCLUSIVE),) if made else ()
    return (
        Piece(
            phase=Phase.EXPAND,
            up=Way(
                summary=f"move the table {quoted(was, name)} to the schema {quoted(to)}",
                statements=(*create, _moved(was, name, to)),
                before=(name_taken(to, taking),),
                hazards=(Hazard.BREAKS_OLD_CODE,),
            ),
            down=Way(
                summary=f"move the table {quoted(to, name)} back to the schema {quoted(was)}",
                statements=(_moved(to, name, was), *drop),
                before=(name_taken(was, taking),),
                hazards=(Hazard.BREAKS_OLD_CODE,),
            ),
        ),
    )


def _moved(was: str, name: str, to: str) -> Statement:
    return Statement(
        text=f"ALTER TABLE {quoted(was, name)} SET SCHEMA {quoted(to)}", lock=Lock.ACCESS_EXCLUSIVE
    )


def _refuse_renaming(place: Scene, snapshot: Snapshot, to: str) -> None:
    places = {item.name: (schema_of(item.native_name), bare(item.native_name)) for item in snapshot.entities}
    there = (to, bare(place.entity.native_name))
    after = logical_names({**places, place.entity.name: there}.values(), place.names)
    if after[there] != place.entity.name:
        raise Refused(
            "entity-ambiguous",
            f"in the schema {to} the table of {place.entity.name} would be taken for {after[there]}",
            help="Name the table as schema.table in the name map, or rename the one that has the same name.",
        )


def _refuse_named(place: Scene, doing: str) -> None:
    # A function in SQL's own form is tied to the table by number, one in text is not.
    refuse_leaning(
        place,
        doing,
        (item for item in place.entity.dependents if item.kind in _BY_NAME and not item.follows_rename),
    )
