"""Reading documents as records: pages in the order of `_id`, by the values of a field, and with computed values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.documents import bson_walk, ejson, raw
from skill_server.backends.mongo.documents.plain_values import Unreadable, candidates, plain
from skill_server.backends.mongo.failures import capped
from skill_server.backends.mongo.records.store import Place, key_of, token_of
from skill_server.backends.records import Record
from skill_server.model.flow import Expressions


async def page(
    place: Place,
    fields: Sequence[str],
    *,
    after: str | None,
    limit: int,
    expressions: Expressions | None,
    kept: str | None,
) -> list[Record]:
    """Return up to `limit` records after the one of key `after`."""
    found = await _documents(place, fields, kept, after, limit)
    keys = [raw.require(document, "_id") for document in found]
    sides = {} if kept is None else await place.sides(kept, keys)
    computed, problems = await _computed(place, expressions, keys)
    records: list[Record] = []
    for key, document in zip(keys, found, strict=True):
        values, unreadable = values_of(place, document, fields)
        records.append(
            Record(
                key=token_of(key),
                shown=raw.key_text(key),
                values=values,
                computed=computed.get(key, {}),
                problem=unreadable or problems.get(key),
                written=key not in sides or not holds(place, document, sides[key], "new"),
            )
        )
    return records


async def find(place: Place, by: str, values: Sequence[Any], fields: Sequence[str]) -> list[Record]:
    """Return the records whose field `by` has one of these values; a value inside an array is none of the field."""
    wanted = list(dict.fromkeys(value for one in values for value in candidates(one)))
    if not wanted:
        return []
    path, read = place.path(by), list(dict.fromkeys([by, *fields]))
    # A key keeps the exact bytes of a value in a filter.
    matching = {path: {"$in": [raw.key(value) for value in wanted]}}

    async def documents() -> list[bytes]:
        cursor = place.connections.raw(place.collection).find(matching, _projection(place, read))
        return [document.raw async for document in cursor.sort("_id", 1)]

    records: list[Record] = []
    for document in await place.reading(documents):
        there = raw.find(document, path)
        if there is None or there.value.kind == bson_walk.ARRAY:
            continue
        held, problem = values_of(place, document, read)
        key = raw.require(document, "_id")
        records.append(Record(key=token_of(key), shown=raw.key_text(key), values=held, problem=problem))
    return records


async def unchanged(place: Place, kept: str, keys: Sequence[str]) -> frozenset[str]:
    """Return the keys of documents that still hold the new values of a side collection."""
    wanted = {key_of(token): token for token in keys}
    sides = await place.sides(kept, list(wanted))
    there = await place.documents(list(sides))
    return frozenset(
        wanted[key] for key, document in there.items() if holds(place, document, sides[key], "new")
    )


def values_of(place: Place, document: bytes, fields: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    """Return the plain values of fields, and why one of them cannot be read."""
    values: dict[str, Any] = {}
    problem: str | None = None
    for field in fields:
        found = raw.find(document, place.path(field))
        if found is None:
            continue
        try:
            values[field] = plain(found.value)
        except Unreadable as reason:
            problem = f"{field}: {reason}"
    return values, problem


def holds(place: Place, document: bytes, side: bytes, which: str) -> bool:
    """Tell whether a document has exactly the kept values of one side; a field that was not kept is not asked."""
    now = {field: raw.find(document, place.path(field)) for field in fields_of(side)}
    return all(
        (None if found is None else found.value) == kept_value(side, which, field)
        for field, found in now.items()
    )


def fields_of(side: bytes) -> tuple[str, ...]:
    """Return the fields that a side document speaks of: every one has a new value."""
    new = raw.require(side, "new")
    return tuple(name.decode() for name, _, _ in bson_walk.fields(new.data))


def kept_value(side: bytes, which: str, field: str) -> raw.Value | None:
    """Return the `old` or `new` value of a field, None where it was missing."""
    # Logical names hold no dot, so no name is taken for a path.
    found = raw.find(raw.require(side, which).data, field)
    return None if found is None else found.value


async def _documents(
    place: Place, fields: Sequence[str], kept: str | None, after: str | None, limit: int
) -> list[bytes]:
    projection = None if kept is not None else _projection(place, fields)

    async def read() -> list[bytes]:
        cursor = place.connections.raw(place.collection).find({}, projection).sort("_id", 1)
        if after is None:
            return [document.raw async for document in cursor.limit(limit)]
        # Unlike $gt, an index bound goes on into the types that come after that of `after`; it is inclusive.
        key = key_of(after)
        cursor = cursor.hint([("_id", 1)]).min([("_id", raw.key(key))]).limit(limit + 1)
        found = [document.raw async for document in cursor]
        return [document for document in found if raw.require(document, "_id") != key][:limit]

    return await place.reading(read)


def _projection(place: Place, fields: Sequence[str]) -> dict[str, int]:
    paths = sorted({"_id", *(place.path(field) for field in fields)})
    # The server refuses a path beside one that it lies in.
    outer = [path for path in paths if not any(path.startswith(f"{other}.") for other in paths)]
    return dict.fromkeys(outer, 1)


Computed = tuple[dict[raw.Value, dict[str, Any]], dict[raw.Value, str]]


async def _computed(place: Place, expressions: Expressions | None, keys: Sequence[raw.Value]) -> Computed:
    """Return what expressions give for these documents, and why they give nothing."""
    from pymongo.errors import OperationFailure

    if expressions is None or not keys:
        return {}, {}
    written = list(expressions.mongodb)
    parts = {
        f"v{number}": ejson.loads(json.dumps(expressions.mongodb[name]))
        for number, name in enumerate(written)
    }

    async def ask(some: Sequence[raw.Value]) -> Computed:
        pipeline: list[dict[str, Any]] = [
            {"$match": {"_id": {"$in": [raw.key(key) for key in some]}}},
            # In $project a plain 1 would be a word of the server, here it is a value.
            {"$replaceWith": {"_id": "$_id", **parts}},
        ]
        values: dict[raw.Value, dict[str, Any]] = {}
        problems: dict[raw.Value, str] = {}
        async for document in place.connections.raw(place.collection).aggregate(pipeline):
            key = raw.require(document.raw, "_id")
            values[key], unreadable = _results(document.raw, written)
            if unreadable:
                problems[key] = unreadable
        return values, problems

    async def together() -> Computed | None:
        try:
            return await ask(keys)
        except OperationFailure as error:
            if _is_passing(error):
                raise
            return None

    async def alone(key: raw.Value) -> Computed:
        try:
            return await ask([key])
        except OperationFailure as error:
            if _is_passing(error):
                raise
            return {}, {key: capped((error.details or {}).get("errmsg") or error)}

    found = await place.reading(together)
    if found is not None:
        return found
    values: dict[raw.Value, dict[str, Any]] = {}
    problems: dict[raw.Value, str] = {}
    for key in keys:
        some, refused = await place.reading(lambda key=key: alone(key))
        values |= some
        problems |= refused
    return values, problems


def _results(document: bytes, written: Sequence[str]) -> tuple[dict[str, Any], str | None]:
    values: dict[str, Any] = {}
    for number, name in enumerate(written):
        found = raw.find(document, f"v{number}")
        if found is None:
            continue
        try:
            values[name] = plain(found.value)
        except Unreadable as reason:
            return values, f"{name}: {reason}"
    return values, None


def _is_passing(error: Any) -> bool:
    from skill_server.backends.mongo.failures import LOGIN_CODES, PERMISSION_CODES, is_passing

    return is_passing(error) or error.code in LOGIN_CODES | PERMISSION_CODES
