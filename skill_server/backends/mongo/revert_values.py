"""Bring converted values back: the kept one where nobody wrote since, else the written one converted back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo import paths, raw
from skill_server.backends.mongo.convert_values import NULL, converted
from skill_server.backends.mongo.kept_values import kept_values
from skill_server.backends.mongo.operations import RevertValues
from skill_server.backends.mongo.passes import Passes


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
        from pymongo import UpdateOne

        changed: list[tuple[raw.Value, raw.Value, raw.Value]] = []
        for document in documents:
            found = raw.find(document, operation.field)
            if found is not None and found.value.kind != NULL:
                identity = raw.require(document, "_id")
                back = converted(found.value, operation.to, operation.was, identity)
                if back != found.value:
                    changed.append((identity, found.value, back))
        # What equals its kept old value was put back a moment ago, however odd its type is.
        kept = await kept_values(passes.connections, operation.kept, [identity for identity, _, _ in changed])
        requests = [
            UpdateOne(paths.seek(identity, operation.field), raw.replacing(operation.field, now, back))
            for identity, now, back in changed
            if kept.get(identity) != now
        ]
        await passes.write(operation.collection, requests)
        return len(requests)

    await passes.once(operation.kept, {}, restore)
    await passes.until_quiet(operation.collection, {operation.field: {"$exists": True}}, convert_back)
