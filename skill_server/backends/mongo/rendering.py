"""What every rendered action needs: the field it is about, and what stands in its way."""

from __future__ import annotations

import json
from dataclasses import dataclass

from skill_server.backends.mongo import ejson, index_documents, validator, views
from skill_server.backends.mongo.operations import DescribeField
from skill_server.backends.mongo.wording import statement
from skill_server.errors import Refused
from skill_server.model.base import JsonObject, digest
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Statement, Way
from skill_server.model.snapshot import Entity, Index, Snapshot

# How the snapshot says in `options` what is no ordinary collection.
KIND, SHARD_KEY = "kind", "shardKey"


@dataclass(frozen=True)
class Subject:
    """A field of a collection under the names that the server knows."""

    entity: Entity
    collection: str
    field: str
    migration: str

    @property
    def kept(self) -> str:
        """The side collection of this field in this migration."""
        return f"{KEPT_NAME}.kept_{digest([self.migration, self.collection, self.field], length=16)}"

    @property
    def in_validator(self) -> bool:
        """Tell whether the validator names the field."""
        return validator.names(self.entity.validator, self.field)

    @property
    def schema(self) -> JsonObject | None:
        """What the validator says of the field."""
        return validator.properties_of(self.entity.validator).get(self.field)

    @property
    def place(self) -> int | None:
        """Where the validator describes the field."""
        names = list(validator.properties_of(self.entity.validator))
        return names.index(self.field) if self.field in names else None

    @property
    def required_place(self) -> int | None:
        """Where `required` names the field, or None where it does not."""
        words = validator.required_of(self.entity.validator)
        return words.index(self.field) if self.field in words else None

    def describe(
        self,
        schema: JsonObject | None,
        *,
        required: bool,
        place: int | None = None,
        required_place: int | None = None,
    ) -> Statement:
        """Return the statement that makes the validator say this of the field, by default where it stood."""
        return statement(
            DescribeField(
                collection=self.collection,
                field=self.field,
                describes_json=None if schema is None else json.dumps(schema),
                place=self.place if place is None else place,
                required=required,
                required_place=self.required_place if required_place is None else required_place,
            )
        )

    def described_as_before(self) -> Statement:
        """Return the statement that makes the validator say what the snapshot shows."""
        return self.describe(self.schema, required=self.required_place is not None)


def require_collection(snapshot: Snapshot, names: NameMap, entity: str) -> tuple[Entity, str]:
    """Return the entity and its collection.

    Raises:
        Refused: `entity-missing`; `entity-not-changeable` for a view or a time series.
    """
    found = snapshot.entity(entity)
    if found is None:
        raise Refused(
            "entity-missing",
            f"MongoDB has no collection for {entity}",
            help="Correct the name, or map it in the configuration.",
            next_tool="inspect_schema",
        )
    kind = found.options.get(KIND, "collection")
    if kind != "collection":
        raise Refused(
            "entity-not-changeable",
            f"{entity} is a {kind} in MongoDB, whose documents cannot be rewritten",
            help="Change the collection that it comes from.",
        )
    return found, names.native_entity(entity, BackendKind.MONGODB)


def require_subject(snapshot: Snapshot, names: NameMap, entity: str, field: str, migration: str) -> Subject:
    """Return a field whose values may be rewritten here.

    Raises:
        Refused: something stands in the way; the message names it.
    """
    found, collection = require_collection(snapshot, names, entity)
    native = names.native_field(entity, field, BackendKind.MONGODB)
    if native == "_id" or "." in native or native.startswith("$") or not native:
        raise Refused(
            "field-not-changeable",
            f"the field {native or '(empty)'} of {entity} cannot be changed in MongoDB",
            help="Choose a field at the top level of the documents, other than _id.",
        )
    if found.options.get("capped"):
        raise Refused(
            "entity-not-changeable",
            f"{entity} is a capped collection, whose documents may not change their size",
            help="Copy it into an ordinary collection first.",
        )
    if any(path == native or path.startswith(f"{native}.") for path in found.options.get(SHARD_KEY, ())):
        raise Refused(
            "shard-key",
            f"{native} is part of the shard key of {entity}, which places its documents",
            help="Reshard the collection on another key first.",
        )
    validator.require_editable(found.validator, native, entity)
    if not ejson.loads_to_same(json.dumps(found.validator or {}, separators=(",", ":"))):
        raise Refused(
            "validator-not-understood",
            f"the validator of {entity} holds something that Extended JSON cannot carry, such as a $regex query",
            help="Write the rule as a pattern inside $jsonSchema, then plan again.",
        )
    _require_no_view(snapshot, collection, native, entity)
    for index in found.indexes:
        named = index_documents.fields(ejson.loads(index.definition)) if index.definition else ()
        if field in index.fields or native in named:
            require_settled(index, names, entity)
    return Subject(found, collection, native, migration)


def require_settled(index: Index, names: NameMap, entity: str) -> None:
    """Make sure that the definition of an index is the one it will have when a change meets it.

    Raises:
        Refused: `index-not-settled`; an earlier change of the same migration makes or changes the index.
    """
    foreseen = {names.native_field(entity, field, BackendKind.MONGODB) for field in index.fields}
    if not index.definition or set(index_documents.fields(ejson.loads(index.definition))) != foreseen:
        raise Refused(
            "index-not-settled",
            f"the index {index.name} is made or changed by an earlier change of the same migration",
            help="Put the second change into a migration of its own.",
        )


def _require_no_view(snapshot: Snapshot, collection: str, field: str, entity: str) -> None:
    for view in views.readers(snapshot, collection):
        if validator.mentions(view.options.get("pipeline") or [], field):
            raise Refused(
                "view-names-field",
                f"the view {view.native_name} reads {field} of {entity} and would show something else",
                help=f"Drop or rewrite the view {view.native_name} first.",
            )


def way(summary: str, *statements: Statement, hazards: tuple[Hazard, ...] = ()) -> Way:
    """Return one direction without probes."""
    return Way(summary=summary, statements=statements, hazards=hazards)


def swapped(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Return the pieces of the undoing action."""
    return tuple(
        Piece(phase=piece.phase, up=piece.down, down=piece.up)
        for piece in reversed(pieces)
        if piece.down is not None
    )


def piece(phase: Phase, up: Way, down: Way | None) -> Piece:
    """Return a piece; a short spelling for the renderers."""
    return Piece(phase=phase, up=up, down=down)
