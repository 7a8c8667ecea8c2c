"""Building and dropping indexes without stopping writers."""

from skill_server.backends.postgres.identifiers import quoted, table
from skill_server.backends.postgres.literals import text_literal
from skill_server.backends.postgres.render import index_shape
from skill_server.backends.postgres.render.parts import duplicate_keys
from skill_server.backends.postgres.render.scene import Scene, probe, refuse_dependents
from skill_server.backends.postgres.schema import definitions
from skill_server.errors import Refused
from skill_server.model.action import BuildIndex, RemoveIndex, RetireIndex
from skill_server.model.hazard import Hazard, Lock
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.snapshot import Index, Snapshot


def build_index(action: BuildIndex, place: Scene, snapshot: Snapshot) -> tuple[Piece, ...]:
    """Build an index; its fields may have been added or renamed earlier in the migration."""
    taken = {index.name for entity in snapshot.entities for index in entity.indexes}
    if action.name in taken | {entity.native_name for entity in snapshot.entities}:
        raise Refused(
            "index-exists",
            f"PostgreSQL already has {action.name!r}",
            help="Choose another name for the index.",
        )
    definition, note = index_shape.definition(action, place), index_shape.note(action)
    return (
        Piece(
            phase=Phase.CONCURRENT,
            up=_building(action.name, definition, place, note=note),
            down=_dropping(action.name, place),
        ),
    )


def remove_index(action: RemoveIndex, place: Scene) -> tuple[Piece, ...]:
    """Drop an index that was built by `build_index`."""
    _existing(action.name, place)
    definition, note = index_shape.definition(action, place), index_shape.note(action)
    return (
        Piece(
            phase=Phase.CONCURRENT,
            up=_dropping(action.name, place),
            down=_building(action.name, definition, place, note=note),
        ),
    )


def retire_index(action: RetireIndex, place: Scene) -> tuple[Piece, ...]:
    """Drop an index; its definition is in the way back."""
    index = _existing(action.name, place)
    marked = [
        item
        for item in place.entity.dependents
        if item.kind == "replica identity or cluster mark" and item.name == index.name
    ]
    refuse_dependents(place, index.name, "dropping the index", marked)
    comments = tuple(
        Statement(text=item.definition or "", lock=Lock.SHARE_UPDATE_EXCLUSIVE)
        for item in place.entity.dependents
        if item.kind == "comment on index" and item.name == index.name
    )
    return (
        Piece(
            phase=Phase.CONCURRENT,
            up=_dropping(index.name, place),
            down=_building(index.name, index.definition, place, comments),
        ),
    )


def _existing(name: str, place: Scene) -> Index:
    index = place.entity.index(name)
    if index is None:
        raise Refused(
            "index-missing",
            f"{place.entity.name} has no index {name!r} in PostgreSQL",
            help="Name an index that inspect_schema shows.",
            next_tool="inspect_schema",
        )
    if index.constraint is not None:
        raise Refused(
            "index-backs-constraint",
            f"the index {name} carries the constraint {index.constraint} of {place.entity.name}",
            help="Drop the constraint instead.",
        )
    leaning = next(
        (
            item
            for item in place.entity.dependents
            if index.unique and item.kind == "foreign_key" and set(item.fields) == set(index.fields)
        ),
        None,
    )
    others = [item for item in place.entity.indexes if item.name != name and item.unique]
    if leaning is not None and not any(set(item.fields) == set(leaning.fields) for item in others):
        raise Refused(
            "index-backs-foreign-key",
            f"the foreign key {leaning.name} leans on the unique index {name}",
            help="Drop the foreign key first.",
        )
    return index


def _building(
    name: str, definition: str, place: Scene, comments: tuple[Statement, ...] = (), note: str = ""
) -> Way:
    unique = definition.startswith("CREATE UNIQUE")
    before: tuple[Probe, ...] = ()
    if unique:
        before = (duplicate_keys(place, name, definitions.index_parts(definition), f"{place.table} AS t"),)
    build = Statement(
        text=definitions.concurrently(definition),
        # The text runs; this tells the runner how to look whether an interrupted run left something behind.
        command={"operation": "build_index", "index": _qualified(name, place)},
        lock=Lock.SHARE_UPDATE_EXCLUSIVE,
    )
    kind = "unique index" if unique else "index"
    return Way(
        summary=f"build the {kind} {quoted(name)} on {place.table} while others write{note}",
        statements=(build, *comments),
        before=before,
        after=(_valid(name, place),),
        hazards=(Hazard.SCANS, Hazard.NOT_ATOMIC),
    )


def _dropping(name: str, place: Scene) -> Way:
    return Way(
        summary=f"drop the index {quoted(name)} on {place.table} while others write",
        statements=(
            Statement(
                text=f"DROP INDEX CONCURRENTLY {_qualified(name, place)}",
                command={"operation": "drop_index", "index": _qualified(name, place)},
                lock=Lock.SHARE_UPDATE_EXCLUSIVE,
            ),
        ),
        hazards=(Hazard.NOT_ATOMIC,),
    )


def _valid(name: str, place: Scene) -> Probe:
    found = (
        "SELECT FROM pg_index AS i WHERE i.indisvalid AND i.indisready "
        f"AND i.indexrelid = to_regclass({text_literal(_qualified(name, place))})"
    )
    return probe(
        f"invalid-{name}",
        f"index named {name} is missing or was left invalid",
        "Run the step again; it drops the remains first.",
        f"SELECT {text_literal(name)} WHERE NOT EXISTS ({found})",
    )


def _qualified(name: str, place: Scene) -> str:
    schema, dot, _ = place.entity.native_name.partition(".")
    return quoted(schema, name) if dot else table(name)
