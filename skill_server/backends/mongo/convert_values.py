"""Convert a field in place: the old and the new value are kept aside first, and the value read guards each write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo import raw
from skill_server.backends.mongo.convert import Unconvertible, convert
from skill_server.backends.mongo.operations import ConvertValues
from skill_server.backends.mongo.passes import Passes
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
        for document in documents:
            found = raw.find(document, operation.field)
            if found is None or found.value.kind == NULL:
                continue
            identity, old = raw.require(document, "_id"), found.value
            key = raw.key(identity)
            new = converted(old, operation.was, operation.to, identity)
            if new != old:
                keeping.append(
                    ReplaceOne({"_id": key}, raw.document(_id=identity, old=old, new=new), upsert=True)
                )
                setting.append(UpdateOne({"_id": key}, raw.replacing(operation.field, old, new)))
            elif first and not _comes_back(new, operation):
                # It looks converted already, but the way back would make something else of it.
                kept = raw.document(old=old, new=new)
                keeping.append(UpdateOne({"_id": key}, {"$setOnInsert": kept}, upsert=True))
        await passes.write(operation.kept, keeping)
        await passes.write(operation.collection, setting)
        return len(setting)

    present = {operation.field: {"$exists": True}}
    await passes.once(operation.collection, present, batch)
    first = False
    await passes.until_quiet(operation.collection, present, batch)


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
