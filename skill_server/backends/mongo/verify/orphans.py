"""Looking for documents whose field names no document of another collection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import raw
from skill_server.backends.mongo.operations.operations import FindOrphans

TOGETHER = 500


async def orphans(connections: Connections, question: FindOrphans) -> AsyncIterator[raw.Value]:
    """Yield the `_id` of every such document; an empty field names nothing and is no orphan.

    The referenced values are asked for in groups, so that an index on them serves and no server joins collections.
    """
    present = {question.field: {"$exists": True, "$ne": None}}
    waiting: list[tuple[raw.Value, list[Any]]] = []
    async for document in connections.raw(question.collection).find(present, {"_id": 1, question.field: 1}):
        values = list(named(_decoded(document.raw), question.field))
        if values:
            waiting.append((raw.require(document.raw, "_id"), values))
        if len(waiting) >= TOGETHER:
            for identity in await _without(connections, question, waiting):
                yield identity
            waiting = []
    for identity in await _without(connections, question, waiting):
        yield identity


async def _without(
    connections: Connections, question: FindOrphans, waiting: list[tuple[raw.Value, list[Any]]]
) -> list[raw.Value]:
    asked = {comparable(value): value for _, values in waiting for value in values}
    if not asked:
        return []
    path = question.references_field
    there: set[Any] = set()
    matching = {path: {"$in": list(asked.values())}}
    async for document in connections.raw(question.references).find(matching, {path: 1}):
        there.update(comparable(value) for value in named(_decoded(document.raw), path))
    return [
        identity for identity, values in waiting if any(comparable(value) not in there for value in values)
    ]


def named(document: Any, path: str) -> Iterator[Any]:
    """Yield every value at a path, those inside arrays too, but no null."""
    first, _, rest = path.partition(".")
    if isinstance(document, list):
        for item in cast("list[Any]", document):
            yield from named(item, path)
    elif isinstance(document, Mapping) and first in document:
        inside = cast("Mapping[str, Any]", document)[first]
        if rest:
            yield from named(inside, rest)
        else:
            yield from (
                value
                for value in (cast("list[Any]", inside) if isinstance(inside, list) else [inside])
                if value is not None
            )


def comparable(value: Any) -> Any:
    """Return something that is equal exactly where MongoDB takes two values for equal: numbers by their size."""
    from bson import Decimal128

    if isinstance(value, bool):
        return ("boolean", value)
    number = value.to_decimal() if isinstance(value, Decimal128) else value
    if isinstance(number, int | float) or isinstance(value, Decimal128):
        return ("number", number)
    return raw.encoded(value)


def _decoded(document: bytes) -> dict[str, Any]:
    import bson
    from bson import SON
    from bson.codec_options import CodecOptions, DatetimeConversion

    driver: Any = bson
    codec: Any = CodecOptions
    # SON keeps the order of an embedded document's keys, which is part of its value.
    options = codec(document_class=SON, tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    return driver.decode(document, options)
