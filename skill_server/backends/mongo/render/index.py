"""Building, dropping and moving indexes; the server builds them without stopping writers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.operations.operations import CreateIndex, DropIndex, FindDuplicates
from skill_server.backends.mongo.render import index_shapes
from skill_server.backends.mongo.render.rendering import (
    Subject,
    piece,
    require_collection,
    require_settled,
    swapped,
    way,
)
from skill_server.backends.mongo.render.wording import probe, statement
from skill_server.backends.mongo.schema import index_documents
from skill_server.errors import Refused
from skill_server.model.action import BuildIndex, RemoveIndex, RetireIndex
from skill_server.model.hazard import Hazard
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe, Statement
from skill_server.model.snapshot import Snapshot

OUTDATED, BUILT_NEW = "_dbm_old", "_dbm_new"


def build(action: BuildIndex, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Build an index; a unique one is preceded by a search for duplicates."""
    entity, collection = require_collection(snapshot, names, action.entity)
    definition = index_shapes.definition(action, entity, names)
    for index in entity.indexes:
        there: dict[str, Any] = ejson.loads(index.definition) if index.definition else {}
        if index.name == action.name or (there and index_shapes.are_alike(there, definition)):
            raise Refused(
                "index-exists",
                f"{action.entity} already has the index {index.name} with this name or these keys",
                help="Use that one, or choose another name and other keys.",
            )
    return (_building(collection, definition, index_shapes.note(action)),)


def remove_built(action: RemoveIndex, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Undo `build` as a change of its own."""
    entity, _ = require_collection(snapshot, names, action.entity)
    others = tuple(index for index in entity.indexes if index.name != action.name)
    without = snapshot.model_copy(
        update={
            "entities": tuple(
                other.model_copy(update={"indexes": others}) if other.name == entity.name else other
                for other in snapshot.entities
            )
        }
    )
    return swapped(build(action.inverse(), without, names))


def retire_index(action: RetireIndex, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Drop an index, remembering its document."""
    entity, collection = require_collection(snapshot, names, action.entity)
    index = entity.index(action.name)
    if index is None:
        raise Refused(
            "index-missing",
            f"{action.entity} has no index {action.name} in MongoDB",
            help="Correct the name.",
            next_tool="inspect_schema",
        )
    require_settled(index, names, action.entity)
    return swapped((_building(collection, ejson.loads(index.definition)),))


def _building(collection: str, definition: dict[str, Any], note: str = "") -> Piece:
    name = definition["name"]
    up = way(
        f"build the index {name} on {collection}{note}",
        created(collection, definition),
        hazards=_dangers(definition),
    )
    if definition.get("unique"):
        up = up.model_copy(update={"before": (duplicates(collection, definition),)})
    weaker = (Hazard.WEAKENS_CONSTRAINT,) if definition.get("unique") else ()
    down = way(f"drop the index {name} of {collection}", dropped(collection, name), hazards=weaker)
    return piece(Phase.CONCURRENT, up, down)


def _dangers(definition: dict[str, Any]) -> tuple[Hazard, ...]:
    # A TTL index deletes what is past its time as soon as it is built.
    return (Hazard.SCANS, *((Hazard.DELETES_DATA,) if "expireAfterSeconds" in definition else ()))


def duplicates(
    collection: str, definition: dict[str, Any], *, returning: tuple[str, str, str | None] | None = None
) -> Probe:
    """Return the question for documents that a unique index would refuse.

    `returning` is a field that will be back, the side collection with its values, and its fill.
    """
    keys = tuple(definition["key"])
    condition = dict(definition.get("partialFilterExpression") or {})
    if definition.get("sparse"):
        condition = {"$or": [{key: {"$exists": True}} for key in keys]}
    field, kept, fill = returning or (None, None, None)
    question = FindDuplicates(
        collection=collection,
        keys=keys,
        filter_json=ejson.dumps(condition),
        field=field,
        kept=kept,
        fill_json=fill,
        collation_json=ejson.dumps(definition["collation"]) if "collation" in definition else None,
    )
    return probe(
        "no-duplicates",
        f"documents share the same {', '.join(keys)} with another",
        "Make the values of these documents different.",
        question,
    )


def created(collection: str, definition: dict[str, Any]) -> Statement:
    """Return the statement that builds an index."""
    return statement(CreateIndex(collection=collection, definition_json=ejson.dumps(definition)))


def dropped(collection: str, name: str) -> Statement:
    """Return the statement that drops an index."""
    return statement(DropIndex(collection=collection, name=name))


def naming(subject: Subject) -> tuple[dict[str, Any], ...]:
    """Return the documents of the indexes that name a field."""
    found: list[dict[str, Any]] = []
    for index in subject.entity.indexes:
        if not index.definition:
            continue
        definition = ejson.loads(index.definition)
        if index_documents.touches(definition, subject.field):
            found.append(definition)
    return tuple(found)


def require_no_condition(subject: Subject) -> None:
    """Make sure that no partial index of the field depends on the type of its values.

    Raises:
        Refused: `partial-index`; after a conversion other documents would stand in the index, or none.
    """
    indifferent = ({"$exists": True}, index_shapes.NOT_NULL)
    for definition in naming(subject):
        asked = index_documents.conditions(definition, subject.field)
        if any(condition not in indifferent for condition in asked):
            raise Refused(
                "partial-index",
                f"the condition of the index {definition['name']} compares {subject.field}, whose type would change",
                help="Drop that index in a migration of its own first.",
            )


@dataclass
class MovedIndexes:
    """What happens to the indexes around a rename, by phase; the lists of one index stand in its order."""

    guards: list[Statement]
    as_before: list[Statement]
    build: list[Statement]
    unbuild: list[Statement]
    close: list[Statement]
    reopen: list[Statement]


def move_indexes(subject: Subject, to: str) -> MovedIndexes:
    """Return the statements that bring every index of a field to another one.

    An ordinary index is built on the new field before the old one goes. A unique index in which missing counts as null
    would refuse the second renamed document, so two partial unique indexes stand in for it while both names exist.

    Raises:
        Refused: a text index names the field; a collection has only one, so there is no building before dropping.
    """
    moved = MovedIndexes([], [], [], [], [], [])
    collection = subject.collection
    for old in naming(subject):
        if "weights" in old:
            raise Refused(
                "text-index",
                f"the text index {old['name']} of {collection} names {subject.field}, and cannot be built twice",
                help="Drop the text index in a migration of its own first.",
            )
        name = index_documents.moved_name(old["name"], old, subject.field, to)
        new = index_documents.on_field(old, subject.field, to, name)
        make_old, drop_old = created(collection, old), dropped(collection, old["name"])
        moved.build.append(created(collection, new))
        moved.unbuild.append(dropped(collection, name))
        if not index_documents.minds_missing(old, subject.field):
            moved.close.append(drop_old)
            moved.reopen.append(make_old)
            continue
        names = (old["name"] + OUTDATED, old["name"] + BUILT_NEW)
        make = [
            created(collection, index_documents.guard(old, subject.field, names[0])),
            created(collection, index_documents.guard(new, to, names[1])),
        ]
        drop = [dropped(collection, guard) for guard in names]
        moved.guards += [*make, drop_old]
        moved.as_before += [make_old, *drop]
        moved.close += drop
        moved.reopen += make
    return moved
