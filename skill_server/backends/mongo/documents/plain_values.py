"""BSON as plain values and back: what moves of values between records and databases carry.

Reading keeps what an `int` or `bytes` alone would forget (a long, a subtype of binary data) in subclasses, so that a
value that is only moved is written as it was read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from skill_server.backends.mongo.documents import bson_walk, ejson, raw
from skill_server.backends.mongo.documents.values import INT32, INT64
from skill_server.backends.records import Native

UUID_SUBTYPE = 4
AS_INTEGER = frozenset({"int", "long"})
_NATIVE = frozenset(
    {
        bson_walk.UNDEFINED,
        bson_walk.OBJECT_ID,
        bson_walk.REGEX,
        bson_walk.DB_POINTER,
        bson_walk.CODE,
        bson_walk.SYMBOL,
        bson_walk.CODE_WITH_SCOPE,
        bson_walk.TIMESTAMP,
        bson_walk.MIN_KEY,
        bson_walk.MAX_KEY,
    }
)


class Unreadable(ValueError):
    """A stored value that no plain value stands for; the message says why."""


class Unwritable(ValueError):
    """A plain value that MongoDB cannot hold without loss; the message says why."""


class Blob(bytes):
    """Bytes that remember their binary subtype."""

    subtype: int

    @classmethod
    def of(cls, data: bytes, subtype: int) -> Blob:
        """Return these bytes with their subtype."""
        blob = cls(data)
        blob.subtype = subtype
        return blob


def only(word: str) -> frozenset[str]:
    """Return the types of a field that has one type."""
    return frozenset({word})


def plain(value: raw.Value) -> Any:
    """Return a stored value as a plain one; what only MongoDB has becomes a `Native` that holds its exact bytes.

    Raises:
        Unreadable: text that is not UTF-8, or an embedded document that names a field twice.
    """
    from bson.errors import BSONError

    if value.kind == bson_walk.DOCUMENT:
        return _members(value.data)
    if value.kind == bson_walk.ARRAY:
        return [plain(raw.Value(kind, data)) for _, kind, data in bson_walk.fields(value.data)]
    if value.kind in _NATIVE:
        return Native(_text(value), value)
    try:
        return _scalar(value, raw.decoded(value))
    except BSONError as error:
        raise Unreadable(f"the stored value is not valid: {error}") from error


def _members(document: bytes) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, kind, data in bson_walk.fields(document):
        try:
            field = name.decode()
        except UnicodeDecodeError:
            raise Unreadable("a name in the embedded document is not UTF-8") from None
        if field in members:
            raise Unreadable(f"the embedded document names {field} twice")
        members[field] = plain(raw.Value(kind, data))
    return members


def _scalar(value: raw.Value, decoded: Any) -> Any:
    from bson import Decimal128
    from bson.datetime_ms import DatetimeMS

    if isinstance(decoded, Decimal128):
        return decoded.to_decimal()
    if isinstance(decoded, DatetimeMS):
        # Python's dates end with the year 9999, those of BSON do not.
        return Native(_text(value), value)
    if value.kind == bson_walk.BINARY:
        subtype = value.data[bson_walk.LENGTH_BYTES]
        data = bytes(decoded)
        if subtype == UUID_SUBTYPE and len(data) == 16:
            return uuid.UUID(bytes=data)
        return Blob.of(data, subtype)
    return decoded


def _text(value: raw.Value) -> str:
    from bson import ObjectId

    decoded = raw.decoded(value)
    return str(decoded) if isinstance(decoded, ObjectId) else ejson.dumps(decoded)


def stored(value: Any, types: frozenset[str] = frozenset()) -> raw.Value:
    """Return a plain value as BSON; `types` are names of the BSON types that its field has elsewhere, if known.

    Raises:
        Unwritable: MongoDB cannot hold the value, such as a moment with microseconds.
    """
    if isinstance(value, Native):
        return _native(value, types)
    try:
        return raw.encoded(_driver(value, types))
    except (OverflowError, TypeError, ValueError) as error:
        raise Unwritable(str(error)) from error


def _native(value: Native, types: frozenset[str]) -> raw.Value:
    held: Any = value.value
    return held if isinstance(held, raw.Value) else stored(value.text, types)


def _driver(value: Any, types: frozenset[str]) -> Any:
    match value:
        case None | bool():
            return value
        case int():
            return _integer(value, types)
        case Decimal() | date() if types == only("string"):
            return str(value) if isinstance(value, Decimal) else value.isoformat()
        case Decimal():
            return _decimal(value, types)
        case datetime():
            return moment(value)
        case date():
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        case uuid.UUID():
            return str(value) if types == only("string") else _binary(value.bytes, UUID_SUBTYPE)
        case str():
            return _object_id(value) if types == only("objectId") else value
        case bytes():
            return _binary(value, value.subtype if isinstance(value, Blob) else 0)
        case float():
            return value
        case Native():
            return raw.decoded(_native(value, frozenset()))
        case Mapping():
            members = cast("Mapping[str, Any]", value)
            return {name: _driver(item, frozenset()) for name, item in members.items()}
        case list() | tuple():
            return [_driver(item, frozenset()) for item in cast("list[Any]", value)]
        case _:
            raise Unwritable(f"a {type(value).__name__} has no counterpart in BSON")


def _integer(value: int, types: frozenset[str]) -> Any:
    from bson import Decimal128, Int64

    if types == only("double") and int(float(value)) == value:
        return float(value)
    if types == only("decimal"):
        return Decimal128(Decimal(value))
    # A range asks its members one by one for anything but an exact int, and a long is a subclass.
    whole = int(value)
    if whole not in INT64:
        raise Unwritable(f"{whole} does not fit in 64 bits")
    long = isinstance(value, Int64) or types & AS_INTEGER == only("long")
    return whole if whole in INT32 and not long else Int64(whole)


def _decimal(value: Decimal, types: frozenset[str]) -> Any:
    from decimal import Inexact, localcontext

    from bson import Decimal128
    from bson.decimal128 import create_decimal128_context

    if types == only("double") and Decimal(str(float(value))) == value:
        return float(value)
    with localcontext(create_decimal128_context()) as context:
        context.traps[Inexact] = True
        try:
            return Decimal128(context.create_decimal(value))
        except Inexact:
            raise Unwritable(f"{value} has more than 34 digits") from None


def moment(value: datetime) -> datetime:
    """Return a moment as MongoDB can hold it; one without an offset is taken for UTC.

    Raises:
        Unwritable: it has microseconds, and BSON dates end with milliseconds.
    """
    if value.microsecond % 1000:
        raise Unwritable(f"{value.isoformat()} has microseconds, and MongoDB holds milliseconds")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _binary(data: bytes, subtype: int) -> Any:
    from bson import Binary

    return Binary(data, subtype)


def _object_id(text: str) -> Any:
    from bson import ObjectId

    return ObjectId(text) if ObjectId.is_valid(text) else text


def candidates(value: Any) -> list[raw.Value]:
    """Return every BSON value that a plain value of either database may mean; None means none of them.

    Raises:
        Unwritable: no field of MongoDB can hold the value.
    """
    if value is None:
        return []
    found = [stored(value)]
    if isinstance(value, uuid.UUID):
        found.append(stored(str(value)))
    text = value.text if isinstance(value, Native) else value
    if isinstance(text, str):
        found += [stored(text), stored(text, frozenset({"objectId"}))]
        with suppress(ValueError):
            found.append(stored(uuid.UUID(text)))
    return list(dict.fromkeys(found))


def shape(value: Any) -> Any:
    """Return what tells plain values apart exactly: 1, 1.0, True and `Decimal(1)` differ, NaN equals NaN."""
    match value:
        case Mapping():
            members = cast("Mapping[str, Any]", value)
            return ("object", *((name, shape(item)) for name, item in members.items()))
        case list() | tuple():
            return ("list", *(shape(item) for item in cast("list[Any]", value)))
        case bool():
            return ("bool", value)
        case int():
            return ("int", int(value))
        case bytes():
            return ("bytes", bytes(value))
        case datetime():
            return ("moment", moment(value).astimezone(UTC).isoformat())
        case Native():
            return ("native", value.text)
        case _:
            return (type(value).__name__, str(value))
