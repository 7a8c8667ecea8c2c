"""Whole collections: made, renamed, hidden, brought back."""

from __future__ import annotations

import json
from typing import Any

from skill_server.backends.mongo.documents import ejson, values
from skill_server.backends.mongo.operations.operations import (
    CreateCollection,
    DropKept,
    FindOffenders,
    KeepCollection,
    RenameCollection,
)
from skill_server.backends.mongo.render.index import created, dropped
from skill_server.backends.mongo.render.rendering import (
    KIND,
    SHARD_KEY,
    piece,
    require_collection,
    require_settled,
    require_settled_rules,
    way,
)
from skill_server.backends.mongo.render.wording import probe, statement
from skill_server.backends.mongo.schema import index_documents, views
from skill_server.errors import Refused
from skill_server.model.action import (
    AddEntity,
    MoveEntity,
    PurgeEntity,
    RemoveEntity,
    RenameEntity,
    RetireEntity,
)
from skill_server.model.base import JsonObject, digest
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe, Statement, Way
from skill_server.model.snapshot import Entity, Snapshot


def add_entity(action: AddEntity, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Create a collection with a validator of its fields and a unique index on its key."""
    collection = names.native_entity(action.entity, BackendKind.MONGODB)
    _require_free(snapshot, action.entity, collection)
    keys = [_native(action, names, field) for field in action.key]
    options: JsonObject = {"validator": {"$jsonSchema": _schema(action, names)}}
    indexes: list[dict[str, Any]] = []
    if keys != ["_id"]:
        key = dict.fromkeys(keys, 1)
        indexes.append({"key": key, "name": index_documents.default_name(key), "unique": True})
    up, down = _making(collection, options, indexes, _kept(migration, collection))
    return (piece(Phase.EXPAND, up, down),)


def remove_entity(
    action: RemoveEntity, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Undo `add_entity` as a change of its own; what comes back is the collection as it is now."""
    entity, collection = _movable(snapshot, names, action.entity)
    views.require_none(snapshot, collection, action.entity)
    back, away = _making(
        collection, _options(entity), _definitions(entity, names), _kept(migration, collection)
    )
    return (piece(Phase.CONTRACT, away, back),)


def rename_entity(action: RenameEntity, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Rename the collection; its indexes and validator go with it."""
    entity, collection = _movable(snapshot, names, action.entity)
    to = names.native_entity(action.to, BackendKind.MONGODB)
    if to == collection:
        idle = way(f"nothing: MongoDB calls it {collection} under both names")
        return (piece(Phase.EXPAND, idle, idle),)
    _require_free(snapshot, action.to, to)
    views.require_none(snapshot, collection, action.entity)
    options = _options(entity)
    return (piece(Phase.EXPAND, _moving(collection, to, options), _moving(to, collection, options)),)


def move_entity(action: MoveEntity, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Say that MongoDB has no schemas."""
    _, collection = require_collection(snapshot, names, action.entity)
    idle = way(f"nothing: MongoDB has no schemas inside a database, so {collection} stays where it is")
    return (piece(Phase.EXPAND, idle, idle),)


def retire_entity(
    action: RetireEntity, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Rename the collection to a kept one, without the indexes by which the server would delete documents."""
    entity, collection = _movable(snapshot, names, action.entity)
    views.require_none(snapshot, collection, action.entity)
    kept, options = _kept(migration, collection), _options(entity)
    expiring = [each for each in _definitions(entity, names) if "expireAfterSeconds" in each]
    up = Way(
        summary=f"hide {collection} with its indexes and validator, keeping every document",
        statements=(
            *(dropped(collection, index["name"]) for index in expiring),
            _renamed(collection, kept, options),
        ),
        after=(_still_written(collection),),
        hazards=(Hazard.RETIRES_DATA, Hazard.BREAKS_OLD_CODE),
    )
    down = Way(
        summary=f"bring {collection} back",
        statements=(
            _renamed(kept, collection, options),
            *(created(collection, index) for index in expiring),
        ),
        before=(_still_written(collection),),
        hazards=(Hazard.DELETES_DATA,) if expiring else (),
    )
    return (piece(Phase.CONTRACT, up, down),)


def purge_entity(
    action: PurgeEntity, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Drop the kept collection; nothing but a backup brings it back."""
    collection = names.native_entity(action.entity, BackendKind.MONGODB)
    up = way(
        f"delete what was kept of {collection}",
        statement(DropKept(kept=_kept(migration, collection))),
        hazards=(Hazard.DELETES_DATA,),
    )
    return (piece(Phase.FINALIZE, up, None),)


def _making(
    collection: str, options: JsonObject, indexes: list[dict[str, Any]], kept: str
) -> tuple[Way, Way]:
    make = CreateCollection(collection=collection, options_json=json.dumps(options), kept=kept)
    expiring = any("expireAfterSeconds" in index for index in indexes)
    up = way(
        f"create {collection}, or bring back what an earlier removal kept of it",
        statement(make),
        *(created(collection, index) for index in indexes),
        hazards=(Hazard.DELETES_DATA,) if expiring else (),
    )
    down = Way(
        summary=f"take {collection} away, keeping its documents aside",
        statements=(statement(KeepCollection(collection=collection, kept=kept)),),
        after=(_still_written(collection),),
        hazards=(Hazard.RETIRES_DATA, Hazard.BREAKS_OLD_CODE),
    )
    return up, down


def _moving(collection: str, to: str, options: JsonObject) -> Way:
    return Way(
        summary=f"rename {collection} to {to}",
        statements=(_renamed(collection, to, options),),
        before=(_still_written(to),),
        after=(_still_written(collection),),
        hazards=(Hazard.BREAKS_OLD_CODE,),
    )


def _renamed(collection: str, to: str, options: JsonObject) -> Statement:
    return statement(RenameCollection(collection=collection, to=to, options_json=json.dumps(options)))


def _still_written(collection: str) -> Probe:
    # MongoDB makes a collection at the first write to it, so an application that goes on writing makes it anew.
    return probe(
        "nobody-writes-there",
        f"documents are in a collection {collection}, which should not be there",
        f"Stop the application that writes to {collection}, move these documents elsewhere, and drop it.",
        FindOffenders(collection=collection, filter_json="{}"),
    )


def _kept(migration: str, collection: str) -> str:
    return f"{KEPT_NAME}.entity_{digest([migration, collection], length=16)}"


def _schema(action: AddEntity, names: NameMap) -> JsonObject:
    properties: JsonObject = {}
    required: list[str] = []
    for field in action.fields:
        native = _native(action, names, field.name)
        empty = field.nullable and field.name not in action.key
        # A key that the database numbers is an ObjectId here, where nothing numbers documents.
        free = native == "_id" and field.identity
        properties[native] = {} if free else values.schema_of(field.type, nullable=empty)
        if not empty and native != "_id":
            required.append(native)
    schema: JsonObject = {"bsonType": "object"}
    if required:
        schema["required"] = required
    return {**schema, "properties": properties}


def _native(action: AddEntity, names: NameMap, field: str) -> str:
    native = names.native_field(action.entity, field, BackendKind.MONGODB)
    if "." in native or native.startswith("$"):
        raise Refused(
            "field-not-changeable",
            f"the field {field} of {action.entity} is mapped to {native}, which is no field at the top level",
            help="Map the fields of a new entity to the top level of its documents.",
        )
    return native


def _options(entity: Entity) -> JsonObject:
    """Return the options that the collection has, as its maker would give them."""
    options = {word: value for word, value in entity.options.items() if word not in (KIND, SHARD_KEY)}
    if entity.validator:
        defaults = {"validationLevel": "strict", "validationAction": "error"}
        options = {**options, **{word: options.get(word, value) for word, value in defaults.items()}}
        options["validator"] = entity.validator
    return options


def _definitions(entity: Entity, names: NameMap) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index in entity.indexes:
        require_settled(index, names, entity.name)
        found.append(ejson.loads(index.definition))
    return found


def _require_free(snapshot: Snapshot, entity: str, collection: str) -> None:
    if snapshot.entity(entity) or any(each.native_name == collection for each in snapshot.entities):
        raise Refused(
            "entity-exists",
            f"MongoDB already has a collection {collection}",
            help="Choose another name.",
            next_tool="inspect_schema",
        )


def _movable(snapshot: Snapshot, names: NameMap, name: str) -> tuple[Entity, str]:
    """Return an entity whose collection may be renamed.

    Raises:
        Refused: it is no ordinary collection, is sharded or encrypted, or its validator cannot be carried.
    """
    entity, collection = require_collection(snapshot, names, name)
    require_settled_rules(snapshot, entity)
    stands = {
        SHARD_KEY: "is sharded, and a rename locks it on every shard at once",
        "encryptedFields": "is encrypted by the client, whose own settings name it",
    }
    for word, reason in stands.items():
        if word in entity.options:
            raise Refused(
                "entity-not-changeable",
                f"{name} {reason}",
                help="Copy its records into a new entity instead.",
            )
    if not ejson.loads_to_same(json.dumps(_options(entity), separators=(",", ":"))):
        raise Refused(
            "validator-not-understood",
            f"the validator of {name} holds something that Extended JSON cannot carry, such as a $regex query",
            help="Write the rule as a pattern inside $jsonSchema, then plan again.",
        )
    return entity, collection
