"""Convert a field in place: the old and the new value are kept aside first, and the value read guards each write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from skill_server.backends.mongo.documents import ejson, paths, raw
from skill_server.backends.mongo.documents.convert import Unconvertible, ambiguous, convert
from skill_server.backends.mongo.operations.kept_values import kept_values
from skill_server.backends.mongo.operations.operations import ConvertValues
from skill_server.backends.mongo.operations.passes import Passes
from skill_server.errors import Failed
from skill_server.model.logical import LogicalType

NULL = 0x0A


async def run(operation: ConvertValues, passes: Passes) -> None:
    """Convert until every value is of the new type; null stays null, missing stays missing.

    Raises:
        Failed: `value-not-convertible`, with the document's key.
    """
    first = True

    async def batch(documents: Sequence[bytes]) -> int:
        from pymongo import ReplaceOne, UpdateOne

        keeping: list[Any] = []
        setting: list[Any] = []
        waiting = await _waiting(documents, operation, passes)
        for identity, old in waiting.items():
            key = raw.key(identity)
            new, bad = converted_or_replaced(old, operation.was, operation.to, identity, operation.bad_json)
            if new != old:
                kept = {
                    "_id": identity,
                    "old": old,
                    "new": new,
                    **({"bad": raw.encoded(True)} if bad else {}),
                }
                keeping.append(ReplaceOne({"_id": key}, raw.document(**kept), upsert=True))
                setting.append(
                    UpdateOne(paths.seek(identity, operation.field), raw.replacing(operation.field, old, new))
                )
            elif first and not _comes_back(new, operation):
                # It looks converted already, but the way back would make something else of it.
                both = raw.document(old=old, new=new)
                keeping.append(UpdateOne({"_id": key}, {"$setOnInsert": both}, upsert=True))
        await passes.write(operation.kept, keeping)
        await passes.write(operation.collection, setting)
        return len(setting)

    matching = {operation.field: {"$exists": True}}
    await passes.once(operation.collection, matching, batch)
    first = False
    await passes.until_quiet(operation.collection, matching, batch)


def converted_or_replaced(
    value: raw.Value, was: LogicalType, to: LogicalType, identity: raw.Value, bad_json: str | None
) -> tuple[raw.Value, bool]:
    """Return what a value becomes, and whether that is only put in its place because it does not convert."""
    try:
        return converted(value, was, to, identity), False
    except Failed:
        if bad_json is None:
            raise
        return raw.encoded(ejson.loads(bad_json)), True


def present(documents: Sequence[bytes], field: str) -> Iterator[tuple[raw.Value, raw.Value]]:
    """Yield the `_id` and the value of each document that has one in a field."""
    for document in documents:
        there = raw.find(document, field)
        if there is not None and there.value.kind != NULL:
            yield raw.require(document, "_id"), there.value


async def _waiting(
    documents: Sequence[bytes], operation: ConvertValues, passes: Passes
) -> dict[raw.Value, raw.Value]:
    """Return the values of a batch by `_id`, without those that are converted already though they do not look it."""
    found: dict[raw.Value, raw.Value] = {}
    doubtful: list[raw.Value] = []
    for identity, value in present(documents, operation.field):
        found[identity] = value
        if ambiguous(raw.decoded(value), operation.was, operation.to):
            doubtful.append(identity)
    made = await kept_values(passes.connections, operation.kept, doubtful, which="new")
    return {identity: value for identity, value in found.items() if made.get(identity) != value}


def converted(value: raw.Value, was: LogicalType, to: LogicalType, identity: raw.Value) -> raw.Value:
    """Return a value as another type.

    Raises:
        Failed: `value-not-convertible`.
    """
    plain = raw.decoded(value)
    try:
        changed = convert(plain, was, to)
    except Unconvertible as reason:
        raise Failed(
            "value-not-convertible",
            f"the value of document {raw.key_text(identity)} does not convert to {to}: {reason}",
            help="Correct the value, then call again.",
        ) from reason
    # Decoding and encoding an unchanged value could spell it otherwise.
    return value if changed is plain else raw.encoded(changed)


def _comes_back(value: raw.Value, operation: ConvertValues) -> bool:
    try:
        return raw.encoded(convert(raw.decoded(value), operation.to, operation.was)) == value
    except Unconvertible:
        return False
