"""Put kept values back at their old place among the fields, only where the field is missing now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo import ejson, raw
from skill_server.backends.mongo.operations import RestoreValues
from skill_server.backends.mongo.passes import Passes


async def run(operation: RestoreValues, passes: Passes) -> None:
    """Put back what is kept, then fill the documents for which nothing is kept."""
    missing: dict[str, Any] = {operation.field: {"$exists": False}}

    async def restore(side_documents: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        requests: list[Any] = []
        for side in side_documents:
            position = int(raw.decoded(raw.require(side, "position")))
            pipeline = inserting(operation.field, position, raw.literal(raw.require(side, "value")))
            requests.append(UpdateOne({"_id": raw.key(raw.require(side, "_id")), **missing}, pipeline))
        await passes.write(operation.collection, requests)
        return len(requests)

    await passes.once(operation.kept, {}, restore)
    if operation.fill_json is None:
        return
    fill = ejson.loads(operation.fill_json)

    async def fill_in(documents: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        keys = [raw.key(raw.require(document, "_id")) for document in documents]
        filling = {"$set": {operation.field: fill}}
        await passes.write(
            operation.collection, [UpdateOne({"_id": key, **missing}, filling) for key in keys]
        )
        return len(keys)

    await passes.until_quiet(operation.collection, missing, fill_in)


def inserting(field: str, position: int, value: Any) -> list[dict[str, Any]]:
    """Return the update that puts a field at a place counted from 0, or at the end where the document is shorter."""
    # $slice takes no count of zero.
    before: Any = {"$slice": ["$$all", 0, position]} if position else []
    after = {"$slice": ["$$all", position, {"$add": [{"$size": "$$all"}, 1]}]}
    joined = {"$concatArrays": [before, [{"k": field, "v": value}], after]}
    return [
        {
            "$replaceWith": {
                "$arrayToObject": {"$let": {"vars": {"all": {"$objectToArray": "$$ROOT"}}, "in": joined}}
            }
        }
    ]
