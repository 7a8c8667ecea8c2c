"""How one value becomes one of another logical type: an explicit, pure rule for each BSON type.

Rounding follows PostgreSQL, so that both databases of a pair end with the same number: between numbers to `Decimal`
half away from zero, from `Float` to a whole number half to even. Only values of the BSON type that belongs to the old
type are rounded, because only they were announced: any other counts by its digits, and does not convert where it would
lose some.
"""

from __future__ import annotations

import math
import re
import uuid
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from skill_server.backends import spellings
from skill_server.backends.mongo.documents import convert_json, convert_moment
from skill_server.backends.mongo.documents.convert_text import as_text
from skill_server.backends.mongo.documents.unconvertible import Unconvertible
from skill_server.backends.mongo.documents.values import INT32, INT64
from skill_server.model.logical import Fidelity, Kind, LogicalType, fidelity

_UUID = re.compile(spellings.UUID)
_WHOLE, _NUMBER = re.compile(spellings.WHOLE), re.compile(spellings.NUMBER)
# Decimal128 holds 34 digits (IEEE 754-2008); more are never needed between two of these types.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})

__all__ = ["Unconvertible", "ambiguous", "convert"]


def convert(value: Any, was: LogicalType, to: LogicalType) -> Any:
    """Return a BSON value as type `to`; one that is of that type already comes back unchanged (but see `ambiguous`).

    `was` is the field's type before: it tells a date from a moment, which are one type in BSON.

    Raises:
        Unconvertible: the value has no counterpart.
    """
    try:
        return _convert(value, was, to)
    except Unconvertible:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Unconvertible(str(error)) from error


def ambiguous(value: Any, was: LogicalType, to: LogicalType) -> bool:
    """Tell whether a value may be one of either type: text is also a value of JSON."""
    return isinstance(value, str | list) and Kind.JSON in ((was.of or was).kind, (to.of or to).kind)


def _convert(value: Any, was: LogicalType, to: LogicalType) -> Any:
    if to.of is not None or was.of is not None:
        return _array(value, was, to)
    match to.kind:
        case Kind.STRING | Kind.TEXT:
            text = as_text(value, was)
            if to.kind is Kind.STRING and len(text) > (to.length or 0):
                raise Unconvertible("the text is too long")
            return text
        case Kind.INTEGER | Kind.BIG_INTEGER:
            return _as_integer(value, was, to)
        case Kind.FLOAT:
            return value if isinstance(value, float) else _as_double(value, was)
        case Kind.DECIMAL:
            return _as_decimal(value, was, to)
        case Kind.BOOLEAN:
            return _as_boolean(value)
        case Kind.DATE:
            return convert_moment.as_day(value, was)
        case Kind.DATE_TIME:
            return convert_moment.as_moment(value, timezone=to.timezone)
        case Kind.JSON:
            return convert_json.read(value) if isinstance(value, str) and was.kind in _TEXTUAL else value
        case Kind.UUID:
            return _as_uuid(value)
        case Kind.BINARY:
            return value.encode() if isinstance(value, str) else _same(value, bytes)
        case Kind.ARRAY | Kind.REFERENCE:
            raise Unconvertible(f"no value becomes a {to}")


def _array(value: Any, was: LogicalType, to: LogicalType) -> Any:
    if to.kind is Kind.JSON and was.of is not None:
        of = was.of
        parts: list[Any] = _same(value, list) if of.kind is Kind.JSON else _flat(value)
        return [None if part is None else convert_json.element(part, of) for part in parts]
    if was.kind is Kind.JSON and to.of is not None:
        if to.of.kind is Kind.JSON:
            return list(_same(value, list))
        return [None if part is None else _from_json(part, to.of) for part in _flat(value)]
    if was.of == to:
        if not isinstance(value, list):
            return _convert(value, to, to)
        parts = _same(value, list)
        if len(parts) != 1 or parts[0] is None:
            raise Unconvertible(f"it has {len(parts)} elements, not one")
        return _convert(parts[0], to, to)
    if was == to.of:
        return _each(value, was, was) if isinstance(value, list) else [_convert(value, was, was)]
    if was.of is None or to.of is None:
        raise Unconvertible(f"no {was} becomes a {to}")
    return _each(value, was.of, to.of)


def _each(value: Any, was: LogicalType, to: LogicalType) -> list[Any]:
    parts: list[Any] = _same(value, list) if was.kind is Kind.JSON else _flat(value)
    return [None if part is None else _convert(part, was, to) for part in parts]


def _flat(value: Any) -> list[Any]:
    parts: list[Any] = _same(value, list)
    if any(isinstance(part, list) for part in parts):
        raise Unconvertible("it is an array of arrays")
    return parts


def _from_json(part: Any, of: LogicalType) -> Any:
    text = LogicalType(kind=Kind.TEXT)
    if isinstance(part, bool) is not (of.kind is Kind.BOOLEAN):
        raise Unconvertible(f"a {type(part).__name__} is no {of}")
    if of.kind in (Kind.INTEGER, Kind.BIG_INTEGER, Kind.FLOAT, Kind.DECIMAL):
        if isinstance(part, str):
            raise Unconvertible(f"a text is no {of}")
        # Each number counts by its digits, as if it stood in text: nothing is rounded.
        part = part if isinstance(part, float) and of.kind is Kind.FLOAT else as_text(part, text)
    elif of.kind in _TEXTUAL and not isinstance(part, str):
        raise Unconvertible(f"a {type(part).__name__} is no text")
    return _convert(part, text, of)


def _same(value: Any, *types: type) -> Any:
    if not isinstance(value, types):
        raise Unconvertible(f"a {type(value).__name__} is no such value")
    return value


def _belongs(value: Any, was: LogicalType) -> bool:
    """Tell whether a number is of the BSON type of its field; MongoDB lets one field hold several types."""
    from bson import Decimal128

    match was.kind:
        case Kind.INTEGER | Kind.BIG_INTEGER:
            return isinstance(value, int) and (was.kind is Kind.BIG_INTEGER or int(value) in INT32)
        case Kind.FLOAT:
            return isinstance(value, float)
        case Kind.DECIMAL:
            return isinstance(value, Decimal128)
        case _:
            return False


def _as_number(value: Any, was: LogicalType) -> Decimal | int | float:
    from bson import Decimal128

    if isinstance(value, bool) and was.kind is Kind.BOOLEAN:
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, str):
        text = value.strip(spellings.SPACES)
        if len(text) <= spellings.LONGEST_NUMBER and _NUMBER.fullmatch(text):
            return Decimal(text)
    raise Unconvertible(f"a {type(value).__name__} is no number")


def _as_integer(value: Any, was: LogicalType, to: LogicalType) -> Any:
    from bson import Int64

    if isinstance(value, str) and not _WHOLE.fullmatch(value.strip(spellings.SPACES)):
        raise Unconvertible("the text is no whole number")
    number = _as_number(value, was)
    if isinstance(number, float):
        if not math.isfinite(number):
            raise Unconvertible("it is not finite")
        whole = round(number)
    elif isinstance(number, Decimal):
        whole = int(number.quantize(Decimal(1), context=_EXACT))
    else:
        # A range looks for anything but a plain int, such as Int64, by counting up to it.
        whole = int(number)
    if whole != number and not _belongs(value, was):
        raise Unconvertible("it is no whole number")
    if whole not in (INT32 if to.kind is Kind.INTEGER else INT64):
        raise Unconvertible("the number is out of range")
    return Int64(whole) if to.kind is Kind.BIG_INTEGER else whole


def _as_double(value: Any, was: LogicalType) -> float:
    if isinstance(value, str) and value in (spellings.NOT_A_NUMBER, *spellings.INFINITIES):
        return float(value)
    number = _as_number(value, was)
    double = float(number)
    if isinstance(number, Decimal):
        if not number.is_finite():
            return double
        if not math.isfinite(double) or (double == 0 and number != 0):
            raise Unconvertible("the number is out of the range of a double")
    if not _belongs(value, was):
        # A whole number is also held by no double that only shows the same first digits.
        moved = isinstance(number, int) and int(double) != number
        if moved or Decimal(repr(double)) != number:
            raise Unconvertible("a double does not hold all these digits")
    return double


def _as_decimal(value: Any, was: LogicalType, to: LogicalType) -> Any:
    from bson import Decimal128

    if isinstance(value, str) and value == spellings.NOT_A_NUMBER:
        return Decimal128(value)
    number = _as_number(value, was)
    # A double goes over by its shortest spelling, which is what an application shows of it.
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    if exact.is_nan():
        return Decimal128(spellings.NOT_A_NUMBER)
    if not exact.is_finite():
        raise Unconvertible("it is not finite")
    rounded = exact.quantize(Decimal(1).scaleb(-(to.scale or 0)), context=_EXACT)
    if abs(rounded) >= Decimal(10) ** ((to.precision or 0) - (to.scale or 0)):
        raise Unconvertible("the number has too many digits")
    announced = fidelity(was, to) is Fidelity.LOSSY and _belongs(value, was)
    if rounded != exact and not announced:
        raise Unconvertible("the number has more decimals than fit")
    return Decimal128(rounded)


def _as_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value) if isinstance(value, int) else ""
    if isinstance(value, str):
        word = value.strip(spellings.SPACES).lower()
    if word in spellings.TRUE or word in spellings.FALSE:
        return word in spellings.TRUE
    raise Unconvertible("it is neither true nor false")


def _as_uuid(value: Any) -> Any:
    from bson import Binary

    if isinstance(value, str) and _UUID.fullmatch(value):
        return Binary(uuid.UUID(value).bytes, 4)
    if isinstance(value, Binary) and value.subtype == 4:
        return value
    raise Unconvertible("it is no UUID")
