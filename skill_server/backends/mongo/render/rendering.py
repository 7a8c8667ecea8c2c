"""What every rendered action needs: the field it is about, and what stands in its way."""

from __future__ import annotations

import json
from dataclasses import dataclass

from skill_server.backends.mongo.documents import ejson, paths, validator
from skill_server.backends.mongo.operations.operations import DescribeField
from skill_server.backends.mongo.render.wording import statement
from skill_server.backends.mongo.schema import index_documents, views
from skill_server.errors import Refused
from skill_server.model.base import JsonObject, digest
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Statement, Way
from skill_server.model.snapshot import Entity, Index, Snapshot

# How the snapshot says in `options` what is no ordinary collection.
KIND, SHARD_KEY = "kind", "shardKey"
# How the fingerprint of a schema begins that no database has yet (`plan.foresee`).
FORESEEN = "foreseen:"


def side_collection(migration: str, collection: str, field: str, *shape: str) -> str:
    """Return the collection in which a migration keeps the values of a field.

    `shape` is the type of the values, where the next time they may have to be of another.
    """
    return f"{KEPT_NAME}.kept_{digest([migration, collection, field, *shape], length=16)}"


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
        return side_collection(self.migration, self.collection, self.field)

    @property
    def in_validator(self) -> bool:
        """Tell whether the validator names the field."""
        return validator.names(self.entity.validator, self.field)

    @property
    def schema(self) -> JsonObject | None:
        """What the validator says of the field."""
        return validator.said_of(self.entity.validator, self.field)

    @property
    def place(self) -> int | None:
        """Where the validator describes the field."""
        view, name = validator.within(self.entity.validator, self.field)
        names = list(validator.properties_of(view))
        return names.index(name) if name in names else None

    @property
    def required_place(self) -> int | None:
        """Where `required` names the field, or None where it does not."""
        view, name = validator.within(self.entity.validator, self.field)
        words = validator.required_of(view)
        return words.index(name) if name in words else None

    @property
    def belongs_in_validator(self) -> bool:
        """Tell whether a new field at this place has to be described."""
        return validator.describes_fields(validator.within(self.entity.validator, self.field)[0])

    @property
    def made(self) -> str | None:
        """The side collection that remembers which embedded documents were made for this field, if it lies in one."""
        name = f"{KEPT_NAME}.made_{digest([self.migration, self.collection, self.field], length=16)}"
        return name if paths.parents(self.field) else None

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


def require_subject(
    snapshot: Snapshot, names: NameMap, entity: str, field: str, migration: str, *, adds_rules: bool = False
) -> Subject:
    """Return a field whose values may be rewritten here.

    `adds_rules` says that the caller only adds to what is said of the field, whatever that will be by then.

    Raises:
        Refused: something stands in the way; the message names it.
    """
    found, collection = require_collection(snapshot, names, entity)
    if not adds_rules:
        require_settled_rules(snapshot, found, field)
    native = names.native_field(entity, field, BackendKind.MONGODB)
    if native == "_id":
        raise Refused(
            "field-not-changeable",
            f"{field} of {entity} is _id in MongoDB, and a document cannot get another _id",
            help="Copy the entity's records into a new one, or say that this does not apply to MongoDB.",
        )
    if native.startswith("$") or not all(native.split(".")):
        raise Refused(
            "field-not-changeable",
            f"the field {native or '(empty)'} of {entity} cannot be changed in MongoDB",
            help="Choose a field at the top level or where the configuration names its path.",
        )
    if adds_rules and any(
        validator.said_of(found.validator, parent) == {} for parent in paths.parents(native)
    ):
        # The way back could not tell the empty description from one that the rule made.
        raise Refused(
            "validator-not-understood",
            f"the validator of {entity} describes an embedded document of {native} without saying anything of it",
            help="Describe its bsonType, or take the description out, then plan again.",
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
    _require_no_array(found, native)
    validator.require_editable(found.validator, native, entity)
    if not ejson.loads_to_same(json.dumps(found.validator or {}, separators=(",", ":"))):
        raise Refused(
            "validator-not-understood",
            f"the validator of {entity} holds something that Extended JSON cannot carry, such as a $regex query",
            help="Write the rule as a pattern inside $jsonSchema, then plan again.",
        )
    _require_no_view(snapshot, collection, native, entity)
    for index in found.indexes:
        named = bool(index.definition) and index_documents.touches(ejson.loads(index.definition), native)
        if field in index.fields or named:
            require_settled(index, names, entity)
    return Subject(found, collection, native, migration)


def _require_no_array(entity: Entity, native: str) -> None:
    for parent in paths.parents(native):
        held = next((field for field in entity.fields if field.native_name == parent), None)
        said = validator.said_of(entity.validator, parent) or {}
        types = [*(held.native_type.split("|") if held is not None else ()), *validator.types_of(said)]
        if "array" in types:
            raise Refused(
                "path-through-array",
                f"{parent} of {entity.name} holds arrays, and {native} would be a field of each of their elements",
                help="Copy the elements into an entity of their own first.",
            )


def require_parents_required(subject: Subject) -> None:
    """Make sure that a validator which requires a nested field misses no document without its parents.

    Raises:
        Refused: `parent-not-required`.
    """
    rules = subject.entity.validator
    for parent in paths.parents(subject.field):
        view, name = validator.within(rules, parent)
        if name not in validator.required_of(view):
            raise Refused(
                "parent-not-required",
                f"documents of {subject.collection} may miss {parent}, and with it {subject.field}",
                help=f"Let the validator require {parent} first, or let the field be missing.",
            )


def require_settled(index: Index, names: NameMap, entity: str) -> None:
    """Make sure that the definition of an index is the one it will have when a change meets it.

    Raises:
        Refused: `index-not-settled`; an earlier change of the same migration makes or changes the index.
    """
    foreseen = {names.native_field(entity, field, BackendKind.MONGODB) for field in index.fields}
    known = {path for path in foreseen if "." in path}
    if not index.definition or set(index_documents.fields(ejson.loads(index.definition), known)) != foreseen:
        raise Refused(
            "index-not-settled",
            f"the index {index.name} is made or changed by an earlier change of the same migration",
            help="Put the second change into a migration of its own.",
        )


def require_settled_rules(snapshot: Snapshot, entity: Entity, field: str | None = None) -> None:
    """Make sure that the validator (of one field, or of all) is the one that a change will meet.

    Raises:
        Refused: `rules-not-settled`; an earlier change of the same migration makes the entity or a rule.
    """
    # What was read from a database always tells its kind; what is only foreseen does not.
    made = snapshot.fingerprint.startswith(FORESEEN) and KIND not in entity.options
    ruled = any(
        item.kind == "check" and not item.definition and (field is None or field in item.fields)
        for item in entity.constraints
    )
    if made or ruled:
        raise Refused(
            "rules-not-settled",
            f"an earlier change of the same migration makes {'rules for ' if ruled else ''}{entity.name}",
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
