"""Raw documents put together and taken apart, so that a value that is kept and put back is the same bytes.

Decoding would change some: the deprecated types `symbol` and `undefined` come out of the driver as text and null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from skill_server.backends.mongo.documents import bson_walk
from skill_server.backends.mongo.documents.values import TYPE_NAMES


@dataclass(frozen=True)
class Value:
    """One BSON value: its element type and its bytes."""

    kind: int
    data: bytes

    def element(self, name: bytes) -> bytes:
        """Return the element that gives the value a name."""
        return bytes((self.kind,)) + name + b"\x00" + self.data

    @property
    def type_name(self) -> str:
        """The name of its type as the `$type` operator spells it."""
        return TYPE_NAMES[self.kind]


@dataclass(frozen=True)
class Found:
    """A field of a document: where among its neighbours (in its own embedded document), and what it holds."""

    position: int
    value: Value


def find(document: bytes, path: str) -> Found | None:
    """Return the field at a path: `a.b` is b in the embedded document a. No path leads through an array."""
    name, _, inner = path.partition(".")
    wanted = name.encode()
    for position, (field, kind, data) in enumerate(bson_walk.fields(document)):
        if field == wanted:
            if not inner:
                return Found(position, Value(kind, data))
            return find(data, inner) if kind == bson_walk.DOCUMENT else None
    return None


def require(document: bytes, name: str) -> Value:
    """Return the value of a field that must be there, such as `_id`."""
    found = find(document, name)
    if found is None:
        raise bson_walk.Malformed(f"the document has no {name}")
    return found.value


def document(**values: Value) -> Any:
    """Return a raw document of these values, in this order."""
    body = b"".join(value.element(name.encode()) for name, value in values.items())
    return _raw(body)


def _raw(body: bytes) -> Any:
    from bson.raw_bson import RawBSONDocument

    return RawBSONDocument((len(body) + 5).to_bytes(4, "little") + body + b"\x00")


def literal(value: Value) -> Any:
    """Return an expression whose result is exactly this value."""
    return _raw(value.element(b"$literal"))


def encoded(value: Any) -> Value:
    """Return a value of the driver's types as raw bytes."""
    import bson

    _, kind, data = next(bson_walk.fields(bson.encode({"v": value})))
    return Value(kind, data)


def decoded(value: Value) -> Any:
    """Return a raw value in the driver's types."""
    import bson
    from bson.codec_options import CodecOptions, DatetimeConversion

    # The driver's own types leave open what a decoded document is.
    driver: Any = bson
    codec: Any = CodecOptions
    options = codec(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    return driver.decode(bytes(document(v=value).raw), options)["v"]


def key(value: Value) -> Any:
    """Return an `_id` for a filter: the embedded document of a compound key stays raw."""
    return document(v=value)["v"]


def replacing(field: str, old: Value, new: Value | None) -> list[dict[str, Any]]:
    """Return the update that puts `new` (None: nothing) in the place of a field while it has the value `old`.

    The condition is part of the update and not of its filter, which then names the `_id` alone: the update is as
    atomic, and no server is tempted to scan.
    """
    then: Any = "$$REMOVE" if new is None else literal(new)
    return [{"$set": {field: {"$cond": [is_exactly(field, old), then, f"${field}"]}}}]


def is_exactly(field: str, value: Value) -> dict[str, Any]:
    """Return an expression that holds while a field has this value.

    `$eq` alone takes 1, 1.0 and a long 1 for equal, so the type is compared too; numbers inside an embedded value are
    still compared by size alone.
    """
    return {
        "$and": [
            {"$eq": [f"${field}", literal(value)]},
            {"$eq": [{"$type": f"${field}"}, value.type_name]},
        ]
    }


def key_text(value: Value) -> str:
    """Return an `_id` as people read it."""
    from skill_server.backends.mongo.documents import ejson

    plain = decoded(value)
    return plain if isinstance(plain, str) else ejson.shown(plain)
