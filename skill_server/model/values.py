"""Literal values that an author may write, and whether one fits a logical type exactly."""

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, cast

from pydantic import AfterValidator

from skill_server.model.base import Json
from skill_server.model.logical import Kind, LogicalType

DEEPEST = 20
# Python refuses to read or print integers of more than 4300 digits (documentation of sys.set_int_max_str_digits).
LARGEST = 10**1000
_DECIMAL = re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def plain(value: Json) -> Json:
    """Return a value that can be written to a file and read back the same; raise ValueError where it cannot."""
    _walk(value, 0)
    return value


def _walk(value: object, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"a value nests at most {DEEPEST} levels")
    match value:
        case None | bool():
            pass
        case str():
            plain_text(value)
        case int():
            if abs(value) >= LARGEST:
                raise ValueError("a number has at most 1000 digits")
        case float():
            if not math.isfinite(value):
                raise ValueError("a number is finite")
        case list():
            for part in cast("list[object]", value):
                _walk(part, depth + 1)
        case dict():
            for key, part in cast("dict[object, object]", value).items():
                _require(isinstance(key, str), "the keys of an object are text")
                plain_text(cast("str", key))
                _walk(part, depth + 1)
        case _:
            raise ValueError(f"{type(value).__name__} is not a plain value")


def plain_text(text: str) -> str:
    """Return text that both databases can store; raise ValueError for NUL and lone surrogates."""
    if "\x00" in text:
        raise ValueError("text holds no NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text is valid Unicode") from error
    return text


PlainValue = Annotated[Json, AfterValidator(plain)]


def misfit(value: Json, kind: LogicalType) -> str | None:
    """Say why a value cannot be stored exactly as a type, or None where it can; None itself fits every type."""
    if value is None:
        return None
    try:
        plain(value)
        _FITS[kind.kind](value, kind)
    except ValueError as error:
        return str(error) or f"{value!r} is no {kind}"
    return None


def _require(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _text(value: Any, kind: LogicalType) -> None:
    _require(isinstance(value, str), "write text in quotes")
    if kind.length is not None and len(value) > kind.length:
        raise ValueError(f"it has {len(value)} characters and the type holds {kind.length}")


def _whole(value: Any, kind: LogicalType) -> None:
    bits = 31 if kind.kind is Kind.INTEGER else 63
    _require(isinstance(value, int) and not isinstance(value, bool), "write a whole number")
    _require(-(2**bits) <= value < 2**bits, f"it does not fit into {bits + 1} bits")


def _float(value: Any, _kind: LogicalType) -> None:
    _require(isinstance(value, int | float) and not isinstance(value, bool), "write a number")
    exact = isinstance(value, float) or abs(value) <= 2**53
    _require(exact, "a double cannot hold this whole number exactly")


def _decimal(value: Any, kind: LogicalType) -> None:
    whole_number = isinstance(value, int) and not isinstance(value, bool)
    spelled = isinstance(value, str) and _DECIMAL.fullmatch(value)
    _require(whole_number or spelled, 'write a decimal in quotes, as in "12.50"')
    _, digits, exponent = Decimal(value).as_tuple()
    scale, places = kind.scale or 0, -int(exponent)
    whole = max(len(digits) - places, 0) if any(digits) else 0
    fits = places <= scale and whole <= (kind.precision or 0) - scale
    _require(fits, f"it does not fit {kind} without rounding")


def _boolean(value: Any, _kind: LogicalType) -> None:
    _require(isinstance(value, bool), "write True or False")


def _date(value: Any, _kind: LogicalType) -> None:
    _require(isinstance(value, str) and _DAY.fullmatch(value), 'write a day as "YYYY-MM-DD"')
    date.fromisoformat(value)


def _date_time(value: Any, kind: LogicalType) -> None:
    if not isinstance(value, str):
        raise ValueError('write a moment as "YYYY-MM-DDTHH:MM:SS"')  # noqa: TRY004 - one kind of error for every misfit
    moment = datetime.fromisoformat(value)
    if kind.timezone != (moment.tzinfo is not None):
        raise ValueError(
            "it needs an offset such as +00:00" if kind.timezone else "it must not have an offset"
        )


def _json(value: Any, _kind: LogicalType) -> None:
    # BSON has no integer wider than 64 bits (bsonspec.org), and jsonb would keep one, so the pair would differ.
    pending: list[Any] = [value]
    while pending:
        part = pending.pop()
        narrow = not isinstance(part, int) or -(2**63) <= part < 2**63
        _require(narrow, "a whole number inside Json fits into 64 bits")
        if isinstance(part, dict):
            pending.extend(cast("dict[str, Any]", part).values())
        elif isinstance(part, list):
            pending.extend(cast("list[Any]", part))


def _uuid(value: Any, _kind: LogicalType) -> None:
    spelled = isinstance(value, str) and _UUID.fullmatch(value)
    _require(spelled, "write a UUID as 8-4-4-4-12 hexadecimal digits")


def _binary(value: Any, _kind: LogicalType) -> None:
    _require(isinstance(value, str), "write bytes as Base64 text")
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("write bytes as Base64 text") from error


def _array(value: Any, kind: LogicalType) -> None:
    _require(isinstance(value, list) and kind.of is not None, "write a list of values")
    for place, part in enumerate(cast("list[Any]", value)):
        if kind.of is not None and (reason := misfit(part, kind.of)):
            raise ValueError(f"element {place}: {reason}")


def _reference(_value: Any, kind: LogicalType) -> None:
    raise ValueError(f"a default of {kind} would point every record to the same one; fill it with a function")


_FITS: dict[Kind, Callable[[Any, LogicalType], None]] = {
    Kind.STRING: _text,
    Kind.TEXT: _text,
    Kind.INTEGER: _whole,
    Kind.BIG_INTEGER: _whole,
    Kind.FLOAT: _float,
    Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.DATE_TIME: _date_time,
    Kind.JSON: _json,
    Kind.UUID: _uuid,
    Kind.BINARY: _binary,
    Kind.ARRAY: _array,
    Kind.REFERENCE: _reference,
}
