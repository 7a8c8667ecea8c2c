"""Running a probe's question: which documents offend, by their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, assert_never

from skill_server.backends.base import ProbeResult
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import ejson, raw
from skill_server.backends.mongo.documents.convert import Unconvertible, convert
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.operations.convert_values import NULL
from skill_server.backends.mongo.operations.kept_values import kept_values
from skill_server.backends.mongo.operations.operations import (
    FindDuplicates,
    FindOffenders,
    FindOrphans,
    FindUnconvertible,
    FindUnkept,
    read_question,
)
from skill_server.backends.mongo.verify.orphans import orphans
from skill_server.model.base import JsonObject
from skill_server.model.ids import KEPT_NAME

MOST_KEYS = 10
TOGETHER = 500


async def probe(connections: Connections, command: JsonObject | None) -> ProbeResult:
    """Return how many documents offend, and the keys of the first ten."""
    question = read_question(command)
    with wrapped("looking for documents that stand in the way"):
        match question:
            case FindOffenders():
                return await _counted(_offenders(connections, question))
            case FindDuplicates():
                return await _duplicates(connections, question)
            case FindUnconvertible():
                return await _counted(_unconvertible(connections, question))
            case FindUnkept():
                return await _counted(_unkept(connections, question))
            case FindOrphans():
                return await _counted(orphans(connections, question))
            case _:
                assert_never(question)


async def _counted(keys: AsyncIterator[raw.Value]) -> ProbeResult:
    count, shown = 0, list[str]()
    async for key in keys:
        count += 1
        if len(shown) < MOST_KEYS:
            shown.append(raw.key_text(key))
    return ProbeResult(count=count, keys=tuple(shown))


async def _offenders(connections: Connections, question: FindOffenders) -> AsyncIterator[raw.Value]:
    matching = ejson.loads(question.filter_json)
    async for document in connections.raw(question.collection).find(matching, {"_id": 1}):
        yield raw.require(document.raw, "_id")


async def _duplicates(connections: Connections, question: FindDuplicates) -> ProbeResult:
    # An index takes a missing key for null (MongoDB manual, "Unique Indexes").
    parts = {f"k{place}": {"$ifNull": [f"${key}", None]} for place, key in enumerate(question.keys)}
    group: dict[str, Any] = {"_id": parts, "n": {"$sum": 1}, "a": {"$first": "$_id"}, "b": {"$last": "$_id"}}
    pipeline = [
        *_field_back(question),
        {"$match": ejson.loads(question.filter_json)},
        {"$group": group},
        {"$match": {"n": {"$gt": 1}}},
    ]
    count, shown = 0, list[str]()
    options: dict[str, Any] = {"allowDiskUse": True}
    if question.collation_json is not None:
        options["collation"] = ejson.loads(question.collation_json)
    async for document in connections.raw(question.collection).aggregate(pipeline, **options):
        count += int(raw.decoded(raw.require(document.raw, "n")))
        if len(shown) < MOST_KEYS:
            shown.extend(raw.key_text(raw.require(document.raw, name)) for name in ("a", "b"))
    return ProbeResult(count=count, keys=tuple(shown[:MOST_KEYS]))


def _field_back(question: FindDuplicates) -> list[dict[str, Any]]:
    """Return the stages that show documents as they will be when kept values are back in their field."""
    if question.field is None or question.kept is None:
        return []
    kept = {"from": question.kept, "localField": "_id", "foreignField": "_id", "as": KEPT_NAME}
    fill: Any = "$$REMOVE"
    if question.fill_json is not None:
        fill = {"$literal": ejson.loads(question.fill_json)}
    side = {"$let": {"vars": {"side": {"$arrayElemAt": [f"${KEPT_NAME}", 0]}}, "in": "$$side.value"}}
    value = {"$cond": [{"$size": f"${KEPT_NAME}"}, side, fill]}
    missing = {"$eq": [{"$type": f"${question.field}"}, "missing"]}
    return [{"$lookup": kept}, {"$set": {question.field: {"$cond": [missing, value, f"${question.field}"]}}}]


async def _unconvertible(connections: Connections, question: FindUnconvertible) -> AsyncIterator[raw.Value]:
    present = {question.field: {"$exists": True}}
    taken: set[raw.Value] = set()
    waiting: dict[raw.Value, raw.Value] = {}
    async for document in connections.raw(question.collection).find(present, {"_id": 1, question.field: 1}):
        identity, found = raw.require(document.raw, "_id"), raw.find(document.raw, question.field)
        # A path through an array finds the document, but no one value.
        if found is None or found.value.kind == NULL:
            continue
        value = found.value
        try:
            new = raw.encoded(convert(raw.decoded(value), question.was, question.to))
        except Unconvertible:
            waiting[identity] = value
            if len(waiting) >= TOGETHER:
                for offender in await _not_kept(connections, question, waiting):
                    yield offender
                waiting = {}
            continue
        if question.unique and new in taken:
            yield identity
        elif question.unique:
            taken.add(new)
    for offender in await _not_kept(connections, question, waiting):
        yield offender


async def _not_kept(
    connections: Connections, question: FindUnconvertible, values: dict[raw.Value, raw.Value]
) -> list[raw.Value]:
    """Return the documents whose old value is not simply put back, because somebody wrote since."""
    if question.kept is None:
        return list(values)
    kept = await kept_values(connections, question.kept, list(values), which="new")
    return [identity for identity, value in values.items() if kept.get(identity) != value]


async def _unkept(connections: Connections, question: FindUnkept) -> AsyncIterator[raw.Value]:
    kept = {
        raw.require(side.raw, "_id") async for side in connections.raw(question.kept).find({}, {"_id": 1})
    }
    missing = {question.field: {"$exists": False}}
    async for document in connections.raw(question.collection).find(missing, {"_id": 1}):
        identity = raw.require(document.raw, "_id")
        if identity not in kept:
            yield identity
