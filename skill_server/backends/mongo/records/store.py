"""Where records and their side documents lie, and what every read and write of them shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import bson_walk, ejson, raw, validator
from skill_server.backends.mongo.documents.values import TYPE_NAMES
from skill_server.backends.mongo.failures import capped, patiently, wrapped
from skill_server.errors import Failed
from skill_server.model.base import JsonObject
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.names import NameMap

NAMESPACE_EXISTS = 48
# How many documents tell what type a field has, where no validator does.
LOOKED_AT = 100

Result = TypeVar("Result")


@dataclass(frozen=True)
class Place:
    """The collection of an entity."""

    connections: Connections
    names: NameMap
    entity: str

    @property
    def collection(self) -> str:
        """What the server calls the entity."""
        return self.names.native_entity(self.entity, BackendKind.MONGODB)

    def path(self, field: str) -> str:
        """Return where a field lies in the documents."""
        return self.names.native_field(self.entity, field, BackendKind.MONGODB)

    async def reading(self, doing: Callable[[], Awaitable[Result]]) -> Result:
        """Run a read, again while what fails is passing."""
        return await _patient(doing, f"reading {self.collection}", writes=False)

    async def writing(self, doing: Callable[[], Awaitable[Result]]) -> Result:
        """Run an idempotent write, again while what fails is passing."""
        return await _patient(doing, f"writing to {self.collection}", writes=True)

    async def documents(self, keys: Sequence[raw.Value]) -> dict[raw.Value, bytes]:
        """Return the documents of these `_id`s, as far as they are there."""
        return await self._by_key(self.collection, keys)

    async def sides(self, kept: str, keys: Sequence[raw.Value]) -> dict[raw.Value, bytes]:
        """Return what a store keeps of these documents."""
        return await self._by_key(side_collection(kept), keys)

    async def _by_key(self, collection: str, keys: Sequence[raw.Value]) -> dict[raw.Value, bytes]:
        if not keys:
            return {}

        async def read() -> dict[raw.Value, bytes]:
            wanted = {"_id": {"$in": [raw.key(key) for key in keys]}}
            return {
                raw.require(document.raw, "_id"): document.raw
                async for document in self.connections.raw(collection).find(wanted)
            }

        return await self.reading(read)

    async def prepare(self, kept: str) -> None:
        """Create a store, or do nothing where it exists."""
        from pymongo.errors import OperationFailure

        async def create() -> None:
            try:
                await self.connections.db().command({"create": side_collection(kept)})
            except OperationFailure as error:
                if error.code != NAMESPACE_EXISTS:
                    raise

        await self.writing(create)

    async def put(self, kept: str, sides: Sequence[Any]) -> None:
        """Write side documents, each in the place of an older one of its `_id`."""
        from pymongo import ReplaceOne

        requests: list[Any] = [ReplaceOne({"_id": side["_id"]}, side, upsert=True) for side in sides]
        if requests:
            store = self.connections.db()[side_collection(kept)]
            await self.writing(lambda: store.bulk_write(requests, ordered=False))

    async def forget(self, kept: str, keys: Sequence[str]) -> None:
        """Delete the side documents of these keys, as far as they are there."""
        gone = {"_id": {"$in": [raw.key(key_of(key)) for key in keys]}}
        store = self.connections.db()[side_collection(kept)]
        await self.writing(lambda: store.delete_many(gone))

    async def drop(self, kept: str) -> None:
        """Drop a store; one that is gone is no error."""
        await self.writing(lambda: self.connections.db().drop_collection(side_collection(kept)))

    async def types(self, fields: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return which BSON types each field has by the validator, else in some documents; none where unknown."""

        async def read() -> dict[str, frozenset[str]]:
            described = await self._described()
            seen: dict[str, set[str]] = {field: set() for field in fields}
            async for document in self.connections.raw(self.collection).find().limit(LOOKED_AT):
                for field in fields:
                    found = raw.find(document.raw, self.path(field))
                    if found is not None and found.value.kind != bson_walk.NULL:
                        seen[field].add(TYPE_NAMES[found.value.kind])
            return {
                field: said_types(described, self.path(field)) or frozenset(seen[field]) for field in fields
            }

        return await self.reading(read)

    async def _described(self) -> Any:
        found: list[dict[str, Any]] = await (
            await self.connections.db().list_collections(filter={"name": self.collection})
        ).to_list(None)
        options: dict[str, Any] = dict(found[0].get("options") or {}) if found else {}
        return ejson.plain(options.get("validator") or {})


def said_types(rules: Any, path: str) -> frozenset[str]:
    """Return the types that a validator admits at a path, null aside; none where it says nothing."""
    *outer, name = path.split(".")
    properties = validator.properties_of(rules)
    for part in outer:
        inside: JsonObject = _described_in(properties, part, "properties") or {}
        properties = inside
    said: Any = _described_in(properties, name, "bsonType") or []
    return frozenset([said] if isinstance(said, str) else said) - {"null"}


def _described_in(properties: JsonObject, name: str, word: str) -> Any:
    said: JsonObject = properties.get(name) or {}
    return said.get(word)


def side_collection(kept: str) -> str:
    """Return the side collection of a store."""
    return f"{KEPT_NAME}.{kept}"


def key_of(token: str) -> raw.Value:
    """Return the `_id` that the key of a record stands for."""
    return raw.encoded(ejson.loads(token))


def token_of(key: raw.Value) -> str:
    """Return the key of a record: its `_id` as canonical Extended JSON."""
    return ejson.dumps(raw.decoded(key))


def errors_of(failure: Failed) -> list[dict[str, Any]] | None:
    """Return what the server refused of a bulk write, or None where something else failed."""
    from pymongo.errors import BulkWriteError

    if not isinstance(failure.__cause__, BulkWriteError):
        return None
    details = cast("dict[str, Any]", failure.__cause__.details)
    return list(details.get("writeErrors", ()))


def refusal(error: dict[str, Any], doing: str, shown: Sequence[str]) -> Failed:
    """Return the failure of one write of several, naming its record."""
    record = shown[int(error["index"])]
    return Failed(
        "value-refused",
        f"the MongoDB server refused {doing} of the record {record}: {capped(error.get('errmsg', ''))}",
        help="Correct the value, or what the validator or index asks, then plan again.",
        detail={"record": record},
    )


async def _patient(doing: Callable[[], Awaitable[Result]], name: str, *, writes: bool) -> Result:
    with wrapped(name, writes=writes):
        async for attempt in patiently():
            with attempt:
                return await doing()
    raise AssertionError("the last attempt returns or raises")
