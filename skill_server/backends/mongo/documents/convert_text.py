"""Values as text, spelled as PostgreSQL spells them."""

from __future__ import annotations

import math
import uuid
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

from skill_server.backends import spellings
from skill_server.backends.mongo.documents import convert_json, convert_moment
from skill_server.backends.mongo.documents.unconvertible import Unconvertible
from skill_server.model.logical import Kind, LogicalType

# From here on PostgreSQL writes a double with an exponent (its source, d2s.c).
_LARGE = 1e15
# Holds a Decimal128 of 34 digits with as many more after the point.
_WIDE = Context(prec=2000)


def as_text(value: Any, was: LogicalType) -> str:
    """Return a value as text; text is text already, unless it was a value of JSON.

    Raises:
        Unconvertible: the value has no text.
    """
    from bson import Binary, Decimal128
    from bson.datetime_ms import DatetimeMS

    if was.kind is Kind.JSON:
        return convert_json.text(value)
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _double(value)
        case Decimal128():
            return _decimal(value.to_decimal(), was)
        case datetime() | DatetimeMS():
            return convert_moment.text(value, was)
        case Binary() if value.subtype == 4 and len(value) == 16 and was.kind is not Kind.BINARY:
            return str(uuid.UUID(bytes=bytes(value)))
        case bytes() if not isinstance(value, Binary):
            text = value.decode()
            if "\x00" in text:
                raise Unconvertible("text holds no NUL")
            return text
        case dict() | list():
            return convert_json.text(value)
        case _:
            raise Unconvertible(f"a {type(value).__name__} has no text")


def _double(value: float) -> str:
    if math.isnan(value):
        return spellings.NOT_A_NUMBER
    if math.isinf(value):
        return spellings.INFINITIES[value < 0]
    spelled = repr(value).removesuffix(".0")
    if abs(value) < _LARGE or "e" in spelled:
        return spelled
    _, digits, exponent = Decimal(spelled).normalize().as_tuple()
    mantissa = "".join(str(digit) for digit in digits)
    point = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if value < 0 else ''}{mantissa[0]}{point}e+{len(digits) - 1 + int(exponent)}"


def _decimal(value: Decimal, was: LogicalType) -> str:
    if value.is_finite() and was.kind is Kind.DECIMAL:
        scaled = value.quantize(Decimal(1).scaleb(-(was.scale or 0)), context=_WIDE)
        value = scaled if scaled == value else value
    return format(value, "f")
