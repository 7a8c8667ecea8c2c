"""Values of MongoDB as PostgreSQL spells them, and back: a second opinion, without the product's conversions."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from bson import Binary, Decimal128, Int64

from skill_server.model.logical import Kind, LogicalType

BEYOND = ("infinity", "-infinity", "294277-01-01")


def is_beyond(text: str, kind: LogicalType, to: LogicalType) -> bool:
    """Tell a value that an embedded server cannot hold: a year Python does not know, or a NaN inside an array.

    It finds no array with NaN equal to itself, so an update that asks for the old value never comes to it.
    """
    of = kind.of or kind
    floats = {(each.of or each).kind for each in (kind, to)} & {Kind.FLOAT}
    if floats and (kind.of or to.of) and "NaN" in text:
        return True
    return of.kind in (Kind.DATE, Kind.DATE_TIME) and any(word in text for word in BEYOND)


def bson_of(text: str, kind: LogicalType) -> Any:
    """Return what MongoDB would hold for a value that PostgreSQL reads from this text."""
    match kind.kind:
        case Kind.INTEGER:
            return int(text)
        case Kind.BIG_INTEGER:
            return Int64(text)
        case Kind.FLOAT:
            return float(text)
        case Kind.DECIMAL:
            return Decimal128(text)
        case Kind.BOOLEAN:
            return text == "true"
        case Kind.DATE | Kind.DATE_TIME:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case Kind.JSON:
            return _of_json(text)
        case Kind.UUID:
            return Binary(uuid.UUID(text).bytes, 4)
        case Kind.BINARY:
            return bytes.fromhex(text.removeprefix("\\x"))
        case Kind.ARRAY:
            assert kind.of is not None
            return [None if part is None else bson_of(part, kind.of) for part in elements(text)]
        case _:
            return text


def _of_json(text: str) -> Any:
    def whole(digits: str) -> Any:
        number = int(digits)
        if abs(number) >= 2**63:
            return Decimal128(digits)
        return number if abs(number) < 2**31 else Int64(number)

    def fraction(digits: str) -> Any:
        return float(digits) if Decimal(repr(float(digits))) == Decimal(digits) else Decimal128(digits)

    return json.loads(text, parse_int=whole, parse_float=fraction)


def spelled(value: Any, kind: LogicalType) -> Any:
    """Return a value of MongoDB of exactly this type in a form that compares with `comparable` of PostgreSQL's text."""
    match kind.kind:
        case Kind.STRING | Kind.TEXT:
            assert type(value) is str
            return value
        case Kind.INTEGER:
            assert type(value) is int
            return value
        case Kind.BIG_INTEGER:
            assert type(value) is Int64
            return int(value)
        case Kind.FLOAT:
            assert type(value) is float
            return str(value)
        case Kind.DECIMAL:
            assert type(value) is Decimal128
            return str(value.to_decimal())
        case Kind.BOOLEAN:
            assert type(value) is bool
            return value
        case Kind.DATE | Kind.DATE_TIME:
            assert type(value) is datetime
            return value.astimezone(UTC).replace(tzinfo=None).isoformat()
        case Kind.JSON:
            return _plain(value)
        case Kind.UUID:
            assert type(value) is Binary
            assert value.subtype == 4
            return str(uuid.UUID(bytes=bytes(value)))
        case Kind.BINARY:
            assert type(value) is bytes
            return value.hex()
        case Kind.ARRAY:
            assert kind.of is not None
            parts = cast("list[Any]", value)
            return [None if part is None else spelled(part, kind.of) for part in parts]
        case Kind.REFERENCE:
            raise AssertionError(kind)


def _plain(value: Any) -> Any:
    """Return JSON with every number as a decimal, whatever type of BSON holds it."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, int | float):
        return Decimal(repr(value) if isinstance(value, float) else int(value))
    if isinstance(value, list):
        return [_plain(part) for part in cast("list[Any]", value)]
    return {name: _plain(part) for name, part in value.items()}


def comparable(text: str, kind: LogicalType) -> Any:
    """Return PostgreSQL's text of a value in the form of `spelled`."""
    match kind.kind:
        case Kind.INTEGER | Kind.BIG_INTEGER:
            return int(text)
        case Kind.FLOAT:
            return str(float(text))
        case Kind.BOOLEAN:
            return text in ("true", "t")
        case Kind.DATE | Kind.DATE_TIME:
            moment = datetime.fromisoformat(text)
            return (moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment).isoformat()
        case Kind.JSON:
            return json.loads(text, parse_int=Decimal, parse_float=Decimal)
        case Kind.BINARY:
            return text.removeprefix("\\x")
        case Kind.ARRAY:
            assert kind.of is not None
            return [None if part is None else comparable(part, kind.of) for part in elements(text)]
        case _:
            return text


def elements(text: str) -> list[str | None]:
    """Read the text of an array without nesting."""
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"|([^{},"]+)', text, re.DOTALL)
    return [
        None if bare == "NULL" else bare or re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        for quoted, bare in parts
    ]
