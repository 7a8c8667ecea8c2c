"""Rename a field in its place: the server rewrites each document, so no type passes through the client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.documents import paths, raw
from skill_server.backends.mongo.operations.operations import RenameValues
from skill_server.backends.mongo.operations.passes import Passes


async def run(operation: RenameValues, passes: Passes) -> None:
    """Rename the field of every document that has it and does not have the new name."""
    guard: dict[str, Any] = {
        operation.field: {"$exists": True},
        operation.to: {"$exists": False},
        **paths.standing(operation.field),
    }
    pipeline = renaming(operation.field, operation.to)

    async def batch(documents: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        keys = [raw.key(raw.require(document, "_id")) for document in documents]
        await passes.write(operation.collection, [UpdateOne({"_id": key, **guard}, pipeline) for key in keys])
        return len(keys)

    await passes.until_quiet(operation.collection, guard, batch)


def renaming(field: str, to: str) -> list[dict[str, Any]]:
    """Return the update that renames a field; `$rename` would move it to the end of the document."""
    outer, leaf, new = paths.parent(field), paths.leaf(field), paths.leaf(to)
    name = {"$cond": [{"$eq": ["$$this.k", leaf]}, new, "$$this.k"]}
    members = {"$objectToArray": f"${outer}" if outer else "$$ROOT"}
    renamed = {"$arrayToObject": {"$map": {"input": members, "in": {"k": name, "v": "$$this.v"}}}}
    return [{"$set": {outer: renamed}}] if outer else [{"$replaceWith": renamed}]
