"""Embedded documents that have to be made for a nested field, and that go again when the field does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.documents import paths, raw
from skill_server.backends.mongo.operations.passes import Passes
from skill_server.errors import Failed

EMPTY: dict[str, Any] = {}


async def prepare(
    collection: str, field: str, made: str | None, identities: Sequence[raw.Value], passes: Passes
) -> None:
    """Remember which of these documents miss a parent of the field, before it is made.

    Raises:
        Failed: `parent-not-embedded`; a parent holds something that would have to be overwritten.
    """
    from pymongo import ReplaceOne

    if not paths.parents(field):
        return
    wanted = {"_id": {"$in": [raw.key(identity) for identity in identities]}}
    remembered: list[Any] = []
    async for document in passes.connections.raw(collection).find(wanted):
        identity = raw.require(document.raw, "_id")
        barrier = paths.blocked(document.raw, field)
        if barrier is not None:
            raise Failed(
                "parent-not-embedded",
                f"{barrier} of document {raw.key_text(identity)} is no embedded document, so {field} has no place",
                help="Correct the document, then call again.",
            )
        outermost = paths.missing(document.raw, field)
        if outermost is not None:
            side = raw.document(_id=identity, parent=raw.encoded(outermost))
            remembered.append(ReplaceOne({"_id": raw.key(identity)}, side, upsert=True))
    if made is not None:
        await passes.write(made, remembered)


def making(identity: raw.Value, field: str, value: raw.Value) -> list[Any]:
    """Return the updates of which the one applies that finds the first missing parent, and makes it with the value."""
    from pymongo import UpdateOne

    requests: list[Any] = []
    for parent in paths.parents(field):
        whole = paths.nested({field.removeprefix(f"{parent}."): value})
        update = [{"$set": {parent: {"$literal": whole}}}]
        requests.append(UpdateOne({**paths.seek(identity, parent), parent: {"$exists": False}}, update))
    return requests


async def remove(collection: str, field: str, made: str, passes: Passes) -> None:
    """Take the made embedded documents away where nothing was put into them, and forget about them."""

    async def batch(sides: Sequence[bytes]) -> int:
        from pymongo import UpdateOne

        requests: list[Any] = []
        for side in sides:
            outermost = raw.decoded(raw.require(side, "parent"))
            inner = [
                way for way in paths.parents(field) if way == outermost or way.startswith(f"{outermost}.")
            ]
            pipeline = [
                {"$set": {way: {"$cond": [{"$eq": [f"${way}", {"$literal": EMPTY}]}, "$$REMOVE", f"${way}"]}}}
                for way in reversed(inner)
            ]
            requests.append(UpdateOne(paths.seek(raw.require(side, "_id"), field), pipeline))
        await passes.write(collection, requests)
        return len(requests)

    await passes.once(made, {}, batch)
    await passes.connections.db().drop_collection(made)
