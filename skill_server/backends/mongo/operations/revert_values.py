"""Bring converted values back: the kept one where nobody wrote since, else the written one converted back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.documents import paths, raw
from skill_server.backends.mongo.documents.convert import ambiguous
from skill_server.backends.mongo.operations.convert_values import converted, converted_or_replaced, present
from skill_server.backends.mongo.operations.kept_values import kept_values
from skill_server.backends.mongo.operations.operations import RevertValues
from skill_server.backends.mongo.operations.passes import Passes
from skill_server.errors import Failed


async def run(operation: RevertValues, passes: Passes) -> None:
    """Put old values back, then convert what was written meanwhile.

    Raises:
        Failed: `value-not-convertible`; a value written meanwhile has no counterpart in the old type.
    """

    async def restore(side_documents: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        requests: list[Any] = []
        for side in side_documents:
            old, new = raw.require(side, "old"), raw.require(side, "new")
            if old != new:
                there = paths.seek(raw.require(side, "_id"), operation.field)
                requests.append(UpdateOne(there, raw.replacing(operation.field, new, old)))
        await passes.write(operation.collection, requests)
        return len(requests)

    async def convert_back(documents: Sequence[bytes]) -> int:
        from pymongo import ReplaceOne, UpdateOne

        aside: list[Any] = []
        keeping: list[Any] = []
        requests: list[Any] = []
        for identity, now in (await _written(documents, operation, passes)).items():
            back, bad = converted_or_replaced(now, operation.to, operation.was, identity, operation.bad_json)
            if back == now:
                continue
            if bad:
                named = hashlib.sha256(identity.element(b"") + now.element(b"")).hexdigest()
                document = raw.document(_id=raw.encoded(named), key=identity, value=now)
                aside.append(ReplaceOne({"_id": named}, document, upsert=True))
            # Kept as put back, or text that became text of JSON would be taken for unconverted in the next pass.
            mark = raw.document(_id=identity, old=back, new=now)
            keeping.append(ReplaceOne({"_id": raw.key(identity)}, mark, upsert=True))
            there = paths.seek(identity, operation.field)
            requests.append(UpdateOne(there, raw.replacing(operation.field, now, back)))
        if operation.aside is not None:
            await passes.write(operation.aside, aside)
        await passes.write(operation.kept, keeping)
        await passes.write(operation.collection, requests)
        return len(requests)

    await passes.once(operation.kept, {}, restore)
    await passes.until_quiet(operation.collection, {operation.field: {"$exists": True}}, convert_back)


async def _written(
    documents: Sequence[bytes], operation: RevertValues, passes: Passes
) -> dict[raw.Value, raw.Value]:
    """Return the values of a batch by `_id`, without those that are back already, however odd their type is."""
    found: dict[raw.Value, raw.Value] = {}
    doubtful: list[raw.Value] = []
    for identity, value in present(documents, operation.field):
        found[identity] = value
        if _looks_written(value, operation, identity):
            doubtful.append(identity)
    back = await kept_values(passes.connections, operation.kept, doubtful)
    return {identity: found[identity] for identity in doubtful if back.get(identity) != found[identity]}


def _looks_written(value: raw.Value, operation: RevertValues, identity: raw.Value) -> bool:
    if ambiguous(raw.decoded(value), operation.to, operation.was):
        return True
    try:
        return converted(value, operation.to, operation.was, identity) != value
    except Failed:
        return True
