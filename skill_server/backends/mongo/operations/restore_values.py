"""Put kept values back at their old place among the fields, only where the field is missing now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.documents import ejson, paths, raw
from skill_server.backends.mongo.operations import made_parents
from skill_server.backends.mongo.operations.operations import RestoreValues
from skill_server.backends.mongo.operations.passes import Passes


async def run(operation: RestoreValues, passes: Passes) -> None:
    """Put back what is kept, then fill the documents for which nothing is kept."""
    missing: dict[str, Any] = {operation.field: {"$exists": False}}

    async def restore(side_documents: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        requests: list[Any] = []
        identities = [raw.require(side, "_id") for side in side_documents]
        await made_parents.prepare(operation.collection, operation.field, operation.made, identities, passes)
        for identity, side in zip(identities, side_documents, strict=True):
            position = int(raw.decoded(raw.require(side, "position")))
            value = raw.require(side, "value")
            pipeline = inserting(operation.field, position, raw.literal(value))
            requests.append(UpdateOne({**paths.seek(identity, operation.field), **missing}, pipeline))
            requests += made_parents.making(identity, operation.field, value)
        await passes.write(operation.collection, requests)
        return len(requests)

    await passes.once(operation.kept, {}, restore)
    if operation.fill_json is None:
        return
    fill = ejson.loads(operation.fill_json)

    async def fill_in(documents: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        identities = [raw.require(document, "_id") for document in documents]
        await made_parents.prepare(operation.collection, operation.field, operation.made, identities, passes)
        keys = [raw.key(identity) for identity in identities]
        filling = {"$set": {operation.field: fill}}
        await passes.write(
            operation.collection, [UpdateOne({"_id": key, **missing}, filling) for key in keys]
        )
        return len(keys)

    await passes.until_quiet(operation.collection, missing, fill_in)


def inserting(field: str, position: int, value: Any) -> list[dict[str, Any]]:
    """Return the update that puts a field at a place counted from 0, or at the end where the document is shorter."""
    outer = paths.parent(field)
    # $slice takes no count of zero.
    before: Any = {"$slice": ["$$all", 0, position]} if position else []
    after = {"$slice": ["$$all", position, {"$add": [{"$size": "$$all"}, 1]}]}
    joined = {"$concatArrays": [before, [{"k": paths.leaf(field), "v": value}], after]}
    members = {"$objectToArray": f"${outer}" if outer else "$$ROOT"}
    whole = {"$arrayToObject": {"$let": {"vars": {"all": members}, "in": joined}}}
    return [{"$set": {outer: whole}}] if outer else [{"$replaceWith": whole}]
