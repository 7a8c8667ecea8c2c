"""Move the values of a field aside: first the side document, then the field, only while it holds that value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.documents import ejson, paths, raw
from skill_server.backends.mongo.operations import made_parents
from skill_server.backends.mongo.operations.operations import RetireValues
from skill_server.backends.mongo.operations.passes import Passes


async def run(operation: RetireValues, passes: Passes) -> None:
    """Keep and unset the field of every document until none has it."""
    unless = None
    if operation.unless_json is not None:
        unless = raw.encoded(ejson.loads(operation.unless_json))

    async def batch(documents: Sequence[bytes]) -> int:
        from pymongo import ReplaceOne, UpdateOne

        keeping: list[Any] = []
        unsetting: list[Any] = []
        for document in documents:
            found = raw.find(document, operation.field)
            if found is None:
                continue
            identity = raw.require(document, "_id")
            key = raw.key(identity)
            if found.value != unless:
                kept = raw.document(_id=identity, position=raw.encoded(found.position), value=found.value)
                keeping.append(ReplaceOne({"_id": key}, kept, upsert=True))
            unsetting.append(
                UpdateOne(
                    paths.seek(identity, operation.field), raw.replacing(operation.field, found.value, None)
                )
            )
        await passes.write(operation.kept, keeping)
        await passes.write(operation.collection, unsetting)
        return len(unsetting)

    await passes.until_quiet(operation.collection, {operation.field: {"$exists": True}}, batch)
    if operation.made is not None:
        await made_parents.remove(operation.collection, operation.field, operation.made, passes)
