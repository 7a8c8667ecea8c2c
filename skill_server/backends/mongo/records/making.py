"""Making documents that are not there yet, and deleting the made ones that nobody wrote to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from skill_server.backends.mongo.documents import bson_walk, paths, raw
from skill_server.backends.mongo.documents.plain_values import Unwritable, shape, stored
from skill_server.backends.mongo.operations.passes import Passes
from skill_server.backends.mongo.records.store import Place, errors_of, refusal, side_collection
from skill_server.backends.mongo.records.write import value_not_held
from skill_server.backends.records import Values
from skill_server.errors import Failed

DUPLICATE_KEY = 11000
OBJECT_ID_BYTES = 12


async def insert(place: Place, kept: str, key: Sequence[str], records: Sequence[Values]) -> int:
    """Make the records whose key no document has; return how many.

    Raises:
        Failed: `key-missing`, `value-not-held` or `value-refused`, with the key of the record.
    """
    fields = list(dict.fromkeys(field for record in records for field in record))
    types = await place.types(fields)
    made: dict[raw.Value, tuple[str, Any]] = {}
    for record in records:
        identity, shown, document = _document(place, key, record, types)
        made.setdefault(identity, (shown, document))
    for identity in await _taken(place, key, made):
        del made[identity]
    sides = [
        raw.document(_id=identity, new=raw.Value(bson_walk.DOCUMENT, document.raw))
        for identity, (_, document) in made.items()
    ]
    await place.prepare(kept)
    await place.put(kept, sides)
    return await _insert(place, kept, key, made)


Made = Mapping[raw.Value, tuple[str, Any]]


def _document(
    place: Place, key: Sequence[str], record: Values, types: Mapping[str, frozenset[str]]
) -> tuple[raw.Value, str, Any]:
    shown = ", ".join(str(record.get(field)) for field in key)
    values: dict[str, raw.Value] = {}
    for field, value in record.items():
        try:
            values[place.path(field)] = stored(value, types[field])
        except Unwritable as reason:
            raise value_not_held(field, shown, reason) from reason
    missing = [field for field in key if record.get(field) is None]
    if missing:
        raise Failed(
            "key-missing",
            f"a record for {place.entity} has no value in {', '.join(missing)}, which tells its records apart",
            help="Leave such records out, or choose another key.",
        )
    identity = values.pop("_id", None) or _identity(record, key)
    return identity, shown, paths.nested({"_id": identity, **values})


def _identity(record: Values, key: Sequence[str]) -> raw.Value:
    """Return an ObjectId that the same key always gives, so that a repeated call makes no second document."""
    text = repr([shape(record[field]) for field in key])
    return raw.Value(bson_walk.OBJECT_ID, hashlib.sha256(text.encode()).digest()[:OBJECT_ID_BYTES])


async def _taken(place: Place, key: Sequence[str], made: Made) -> list[raw.Value]:
    """Return which of these documents need not be made, because one has their `_id` or the values of their key."""
    by_id = await place.documents(list(made))
    key_paths = [place.path(field) for field in key]
    by_key = {_at(document, key_paths): identity for identity, (_, document) in made.items()}
    if key_paths == ["_id"] or not made:
        return list(by_id)
    matching = {"$or": [dict(zip(key_paths, map(raw.key, values), strict=True)) for values in by_key]}

    async def read() -> set[raw.Value]:
        cursor = place.connections.raw(place.collection).find(matching)
        wanted = {_loose(values): identity for values, identity in by_key.items()}
        found = [wanted.get(_loose(_at(document, key_paths))) async for document in cursor]
        return {identity for identity in found if identity is not None}

    return list({*by_id, *await place.reading(read)})


def _at(document: Any, key_paths: Sequence[str]) -> tuple[raw.Value, ...]:
    found = [raw.find(document.raw, path) for path in key_paths]
    return tuple(raw.Value(bson_walk.NULL, b"") if one is None else one.value for one in found)


def _loose(values: Sequence[raw.Value]) -> tuple[Any, ...]:
    # The server takes 1, 1.0 and a long 1 for one key, and so does a unique index.
    from skill_server.backends.mongo.documents.plain_values import plain

    def one(value: raw.Value) -> Any:
        held = plain(value)
        return held if isinstance(held, int | float) and not isinstance(held, bool) else shape(held)

    return tuple(one(value) for value in values)


async def _insert(place: Place, kept: str, key: Sequence[str], made: Made) -> int:
    if not made:
        return 0
    documents = [document for _, document in made.values()]
    collection = place.connections.raw(place.collection)
    try:
        await place.writing(lambda: collection.insert_many(documents, ordered=False))
    except Failed as failure:
        errors = errors_of(failure)
        if not errors:
            raise
        return len(made) - len(await _left_alone(place, kept, key, made, errors, failure))
    return len(made)


async def _left_alone(
    place: Place, kept: str, key: Sequence[str], made: Made, errors: Sequence[dict[str, Any]], failure: Failed
) -> set[raw.Value]:
    """Return the documents that somebody else made meanwhile, and forget that they were to be made.

    Raises:
        Failed: `value-refused`; a document is not there, because the validator or another unique index refused it.
    """
    order = list(made)
    refused: list[tuple[raw.Value, dict[str, Any]]] = [
        (order[int(error["index"])], error) for error in errors
    ]
    taken = set(await _taken(place, key, made))
    for identity, error in refused:
        if error.get("code") != DUPLICATE_KEY or identity not in taken:
            shown = [shown for shown, _ in made.values()]
            raise refusal(error, "a new document", shown) from failure
    there = await place.documents(order)
    left = {
        identity
        for identity, _ in refused
        # A repeated call meets what it wrote itself before its answer was lost.
        if there.get(identity) != made[identity][1].raw
    }
    store = place.connections.db()[side_collection(kept)]
    gone = {"_id": {"$in": [raw.key(identity) for identity in left]}}
    await place.writing(lambda: store.delete_many(gone))
    return left


async def withdraw(place: Place, kept: str, batch: int) -> None:
    """Delete the made documents that are byte for byte as they were made, then drop the store."""

    async def take_back(sides: Sequence[bytes]) -> int:
        from pymongo import DeleteOne

        new = {raw.require(side, "_id"): raw.require(side, "new").data for side in sides}
        there = await place.documents(list(new))
        # The filter repeats every value, for somebody who writes between this read and the deletion.
        requests: list[Any] = [
            DeleteOne(_equal(document)) for identity, document in there.items() if document == new[identity]
        ]
        if requests:
            await place.connections.db()[place.collection].bulk_write(requests, ordered=False)
        return len(requests)

    async def border(_: int) -> None:
        return None

    passes = Passes(place.connections, batch, border)
    await place.writing(lambda: passes.once(side_collection(kept), {}, take_back))
    await place.drop(kept)


def _equal(document: bytes) -> dict[str, Any]:
    values = {name.decode(): raw.Value(kind, data) for name, kind, data in bson_walk.fields(document)}
    return {
        "_id": raw.key(values.pop("_id")),
        **{name: {"$eq": raw.key(value)} for name, value in values.items()},
    }
