"""Reading the schema: the catalog decides the fingerprint, documents only tell which fields there are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import bson_walk, ejson, raw, validator
from skill_server.backends.mongo.documents.values import TYPE_NAMES, logical_type
from skill_server.backends.mongo.expiry import EXPIRES
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.render.rendering import KIND, SHARD_KEY
from skill_server.backends.mongo.schema import index_documents
from skill_server.backends.mongo.schema.listing import VALIDATION, Collection, is_kept, listing
from skill_server.model.base import JsonObject, digest
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.snapshot import Entity, Field, Index, IndexKey, Snapshot

READ_WHOLE = 20_000
SAMPLE = 5_000
UUID_SUBTYPE = 4
# What MongoDB takes where nothing is said; a restored copy may say it or not.
DEFAULTS = {"validationLevel": "strict", "validationAction": "error"}


async def inspect(connections: Connections, names: NameMap) -> Snapshot:
    """Return the schema of the database; of large collections a sample of documents is read."""
    collections = tuple(item for item in await listing(connections) if not is_kept(item.name))
    with wrapped("reading the schema"):
        shard_keys = await _shard_keys(connections)
        entities = [await _entity(connections, names, item, shard_keys) for item in collections]
    return Snapshot(
        backend=BackendKind.MONGODB,
        entities=tuple(entities),
        fingerprint=fingerprint(collections),
        declares_fields=False,
        index_names_are_shared=False,
    )


async def facts(connections: Connections) -> frozenset[str]:
    """Return what the fingerprint is made of, as lines: kind, options, validator and indexes of each collection."""
    lines: list[str] = []
    for item in await listing(connections):
        if not is_kept(item.name):
            lines.append(f"{item.kind} {item.name} with options {ejson.dumps(_options(item))}")
            lines.append(f"validator of {item.name}: {ejson.dumps(item.options.get('validator') or {})}")
            lines += [f"index of {item.name}: {_definition(index)}" for index in item.indexes]
    return frozenset(lines)


def fingerprint(collections: tuple[Collection, ...]) -> str:
    """Return the digest of the catalog: names, options, validators and indexes, but no UUID and no document.

    What is kept for a downgrade is data and comes back with it; it is no part of the schema. Nor is the order in
    which a reader took the collections.
    """
    return digest(
        [
            [
                item.name,
                item.kind,
                ejson.plain(_options(item)),
                ejson.plain(item.options.get("validator") or {}),
                sorted(_definition(index) for index in item.indexes),
            ]
            for item in sorted(collections, key=lambda item: item.name)
            if not is_kept(item.name)
        ]
    )


def _options(item: Collection) -> dict[str, Any]:
    kept = {key: value for key, value in item.options.items() if key != "validator"}
    if not item.options.get("validator"):
        return {key: value for key, value in kept.items() if key not in VALIDATION}
    return {key: value for key, value in kept.items() if DEFAULTS.get(key) != value}


def _definition(index: dict[str, Any]) -> str:
    # Old servers add the namespace, which differs on a copy under another name.
    described = {key: value for key, value in index.items() if key != "ns"}
    after = described.get(EXPIRES)
    if isinstance(after, int | float) and after == after // 1:
        # `collMod` writes a long where `createIndexes` left the number as it was sent.
        described[EXPIRES] = int(after)
    return ejson.dumps(described)


async def _entity(
    connections: Connections, names: NameMap, item: Collection, shard_keys: dict[str, list[str]]
) -> Entity:
    name = names.logical_entity(item.name, BackendKind.MONGODB)
    rules: JsonObject = ejson.plain(item.options.get("validator") or {})
    options: JsonObject = {**ejson.plain(_options(item)), KIND: item.kind}
    if item.name in shard_keys:
        options[SHARD_KEY] = shard_keys[item.name]
    seen = _Seen(names.nested_fields(name, BackendKind.MONGODB))
    records = size = 0
    if item.holds_documents:
        records, size = await extent(connections, item.name)
        async for batch in _some(connections, item.name, records):
            # Beside the event loop, where others wait for an answer.
            await asyncio.to_thread(seen.add_batch, batch)
    return Entity(
        name=name,
        native_name=item.name,
        fields=tuple(_fields(seen, rules, names, name)),
        indexes=tuple(
            _index(index, names, name)
            for index in sorted(item.indexes, key=lambda index: str(index["name"]))
            if index["name"] != "_id_"
        ),
        validator=rules or None,
        options=options,
        key=("_id",) if item.holds_documents else (),
        records=records,
        size_bytes=size,
    )


async def extent(connections: Connections, collection: str) -> tuple[int, int]:
    """Return how many documents a collection has and how many bytes they take, as the server estimates."""
    # The server's own estimate, which its metadata holds; no document is read for it.
    stages: list[dict[str, Any]] = [{"$collStats": {"storageStats": {}}}]
    found: list[dict[str, Any]] = await connections.db()[collection].aggregate(stages).to_list(None)
    parts = [dict(part["storageStats"]) for part in found]
    return sum(int(part.get("count", 0)) for part in parts), sum(int(part.get("size", 0)) for part in parts)


async def _some(connections: Connections, name: str, records: int) -> AsyncIterator[bytes]:
    collection = connections.db()[name]
    if records <= READ_WHOLE:
        cursor = collection.find_raw_batches({})
    else:
        cursor = collection.aggregate_raw_batches([{"$sample": {"size": SAMPLE}}])
    async for batch in cursor:
        yield bytes(batch)


class _Seen:
    """Which fields documents have, and of which types."""

    def __init__(self, nested: Sequence[str] = ()) -> None:
        self.documents = 0
        self.nested = nested
        self.types: dict[str, dict[str, int]] = {}
        self.not_uuid: set[str] = set()

    def add_batch(self, batch: bytes) -> None:
        for document in bson_walk.documents(batch):
            self._add(document)

    def _add(self, document: bytes) -> None:
        self.documents += 1
        for name, kind, data in bson_walk.fields(document):
            self._take(name.decode("utf-8", "replace"), kind, data)
        for path in self.nested:
            found = raw.find(document, path)
            if found is not None:
                self._take(path, found.value.kind, found.value.data)

    def _take(self, field: str, kind: int, data: bytes) -> None:
        types = self.types.setdefault(field, {})
        word = TYPE_NAMES[kind]
        types[word] = types.get(word, 0) + 1
        if kind == bson_walk.BINARY and data[4] != UUID_SUBTYPE:
            self.not_uuid.add(field)


def _fields(seen: _Seen, rules: JsonObject, names: NameMap, entity: str) -> list[Field]:
    described = dict(validator.properties_of(rules))
    for path in seen.nested:
        if (said := validator.said_of(rules, path)) is not None:
            described[path] = said
    found: list[Field] = []
    for native in dict.fromkeys([*seen.types, *described]):
        types = seen.types.get(native, {})
        said = dict(described.get(native) or {})
        words = list(types) or _words(said)
        length: Any = said.get("maxLength")
        type_ = logical_type(
            frozenset(words),
            length=int(length["$numberInt"]) if length and "$numberInt" in length else None,
            uuids=native not in seen.not_uuid,
        )
        found.append(
            Field(
                name=names.logical_field(entity, native, BackendKind.MONGODB),
                native_name=native,
                type=type_,
                native_type="|".join(sorted(word for word in words if word != "null")) or "null",
                nullable="null" in words or sum(types.values()) < seen.documents or not types,
                identity=native == "_id",
            )
        )
    return found


def _words(said: JsonObject) -> list[str]:
    types = said.get("bsonType", [])
    return [types] if isinstance(types, str) else list(types)


def _index(index: dict[str, Any], names: NameMap, entity: str) -> Index:
    def logical(native: str) -> str:
        return names.logical_field(entity, native, BackendKind.MONGODB)

    keys = [
        IndexKey(field=None if path.startswith("$") else logical(path), descending=way == -1)
        for path, way in dict(index["key"]).items()
        if path not in index_documents.TEXT_KEYS
    ]
    keys += [IndexKey(field=logical(path)) for path in index.get("weights", {})]
    nested = names.nested_fields(entity, BackendKind.MONGODB)
    return Index(
        name=index["name"],
        keys=tuple(keys),
        unique=bool(index.get("unique")),
        definition=_definition(index),
        fields=tuple(logical(field) for field in index_documents.fields(index, nested)),
    )


async def _shard_keys(connections: Connections) -> dict[str, list[str]]:
    """Return the paths of the shard keys by collection; only a mongos knows any."""
    hello: dict[str, Any] = await connections.client().admin.command("hello")
    if hello.get("msg") != "isdbgrid":
        return {}
    database = connections.database
    cursor = connections.client()["config"]["collections"].find(
        {"_id": {"$regex": f"^{re.escape(database)}\\."}}
    )
    return {
        str(entry["_id"]).removeprefix(f"{database}."): list(entry.get("key") or {})
        async for entry in cursor
        if not entry.get("dropped")
    }
