"""How one value becomes one of another logical type: an explicit, pure rule for each BSON type.

Rounding follows PostgreSQL's casts, so that both databases of a pair end with the same number: `numeric` rounds half
away from zero, `double precision` to an integer half to even, and to `numeric` with 15 significant digits (manual,
sections 8.1.2 and 8.1.3).
"""

from __future__ import annotations

import json
import math
import re
import uuid
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from skill_server.backends.mongo.values import INT32, INT64
from skill_server.model.logical import Fidelity, Kind, LogicalType, fidelity

_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,40}\s*")
_NUMBER = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\s*")
_TRUE, _FALSE = frozenset("true t yes y on 1".split()), frozenset("false f no n off 0".split())
# Decimal128 holds 34 digits (IEEE 754-2008); more are never needed between two of these types.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


class Unconvertible(ValueError):
    """The value has no counterpart in the other type."""


def convert(value: Any, was: LogicalType, to: LogicalType) -> Any:
    """Return a BSON value as type `to`; one that is of that type already comes back unchanged.

    `was` is the field's type before: it tells a date from a moment, which are one type in BSON.

    Raises:
        Unconvertible: the value has no counterpart.
    """
    try:
        return _convert(value, was, to)
    except Unconvertible:
        raise
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise Unconvertible(str(error)) from error


def _convert(value: Any, was: LogicalType, to: LogicalType) -> Any:
    match to.kind:
        case Kind.STRING | Kind.TEXT:
            text = value if isinstance(value, str) else _as_text(value, was)
            if to.kind is Kind.STRING and len(text) > (to.length or 0):
                raise Unconvertible("the text is too long")
            return text
        case Kind.INTEGER | Kind.BIG_INTEGER:
            return _as_integer(value, to)
        case Kind.FLOAT:
            return value if isinstance(value, float) else float(_as_number(value))
        case Kind.DECIMAL:
            return _as_decimal(value, was, to)
        case Kind.BOOLEAN:
            return _as_boolean(value)
        case Kind.DATE | Kind.DATE_TIME:
            return _as_moment(value, to)
        case Kind.JSON:
            return json.loads(value) if isinstance(value, str) else _same(value, dict, list)
        case Kind.UUID:
            return _as_uuid(value)
        case Kind.BINARY:
            return _same(value, bytes)


def _same(value: Any, *types: type) -> Any:
    if not isinstance(value, types):
        raise Unconvertible(f"a {type(value).__name__} is no such value")
    return value


def _as_text(value: Any, was: LogicalType) -> str:
    from bson import Binary, Decimal128

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal128):
        return format(value.to_decimal(), "f")
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return (
            moment.date().isoformat() if was.kind is Kind.DATE else moment.isoformat().replace("+00:00", "Z")
        )
    if isinstance(value, Binary) and value.subtype == 4 and len(value) == 16:
        return str(uuid.UUID(bytes=bytes(value)))
    if isinstance(value, dict | list):
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        except TypeError as error:
            raise Unconvertible("it holds a value that JSON does not know") from error
    raise Unconvertible(f"a {type(value).__name__} has no text")


def _as_number(value: Any) -> Decimal | int | float:
    from bson import Decimal128

    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value.strip())
    raise Unconvertible(f"a {type(value).__name__} is no number")


def _as_integer(value: Any, to: LogicalType) -> Any:
    from bson import Int64

    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise Unconvertible("the text is no whole number")
    number = _as_number(value)
    if isinstance(number, float):
        if not math.isfinite(number):
            raise Unconvertible("it is not finite")
        number = round(number)
    elif isinstance(number, Decimal):
        number = int(number.quantize(Decimal(1), context=_EXACT))
    # A range looks for anything but a plain int, such as Int64, by counting up to it.
    whole = int(number)
    if whole not in (INT32 if to.kind is Kind.INTEGER else INT64):
        raise Unconvertible("the number is out of range")
    return Int64(whole) if to.kind is Kind.BIG_INTEGER else whole


def _as_decimal(value: Any, was: LogicalType, to: LogicalType) -> Any:
    from bson import Decimal128

    number = _as_number(value)
    exact = Decimal(format(number, ".15g")) if isinstance(number, float) else Decimal(number)
    if not exact.is_finite():
        raise Unconvertible("it is not finite")
    rounded = exact.quantize(Decimal(1).scaleb(-(to.scale or 0)), context=_EXACT)
    if abs(rounded) >= Decimal(10) ** ((to.precision or 0) - (to.scale or 0)):
        raise Unconvertible("the number has too many digits")
    if rounded != exact and fidelity(was, to) is not Fidelity.LOSSY:
        raise Unconvertible("the number has more decimals than fit")
    return Decimal128(rounded)


def _as_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise Unconvertible("it is neither true nor false")


def _as_moment(value: Any, to: LogicalType) -> Any:
    from bson.datetime_ms import DatetimeMS

    if isinstance(value, str):
        text = value.strip()
        moment = datetime.fromisoformat(text)
        if to.kind is Kind.DATE and len(text) > len("2000-01-01"):
            raise Unconvertible("the text holds a time of day")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if moment.microsecond % 1000:
            raise Unconvertible("a BSON date holds milliseconds, the text has more digits")
        return moment
    if isinstance(value, DatetimeMS) and to.kind is Kind.DATE_TIME:
        return value
    moment = _same(value, datetime)
    if to.kind is Kind.DATE_TIME:
        return moment
    day: date = moment.astimezone(UTC).date()
    return datetime.combine(day, datetime.min.time(), UTC)


def _as_uuid(value: Any) -> Any:
    from bson import Binary

    if isinstance(value, str):
        return Binary(uuid.UUID(value.strip()).bytes, 4)
    if isinstance(value, Binary) and value.subtype == 4:
        return value
    raise Unconvertible("it is no UUID")
