"""JSON as text and as BSON: what PostgreSQL's `jsonb` refuses is refused here too."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any, cast

from skill_server.backends import spellings
from skill_server.backends.mongo.documents.unconvertible import Unconvertible
from skill_server.backends.mongo.documents.values import INT64
from skill_server.model.logical import Kind, LogicalType

_NUMBER = re.compile(spellings.JSON_NUMBER)


def read(text: str) -> Any:
    """Return the value that a JSON text spells; of equal keys the last counts.

    Raises:
        ValueError, RecursionError: it is no JSON, or holds what text or BSON cannot.
    """
    value = json.loads(text, parse_int=_whole, parse_float=_fraction, parse_constant=_no_constant)
    _require_storable(value, 0)
    return value


def _no_constant(word: str) -> Any:
    raise Unconvertible(f"{word} is no JSON")


def _whole(digits: str) -> Any:
    from bson import Int64

    if not _NUMBER.fullmatch(digits) or int(digits) not in INT64:
        raise Unconvertible("a whole number has more than 64 bits")
    number = int(digits)
    return number if -(2**31) <= number < 2**31 else Int64(number)


def _fraction(digits: str) -> Any:
    from bson import Decimal128

    if not _NUMBER.fullmatch(digits):
        raise Unconvertible("a number is too long")
    exact, double = Decimal(digits), float(digits)
    # Only digits that a double would lose need the wider type, which holds 34 of them.
    return double if math.isfinite(double) and Decimal(repr(double)) == exact else Decimal128(exact)


def _require_storable(value: Any, depth: int) -> None:
    if depth > spellings.DEEPEST_JSON:
        raise Unconvertible("it is nested too deep")
    if isinstance(value, str):
        # A lone half of a surrogate pair has no UTF-8, and no text of PostgreSQL holds NUL.
        value.encode()
        if "\x00" in value:
            raise Unconvertible("text holds no NUL")
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            _require_storable(part, depth + 1)
    elif isinstance(value, dict):
        for key, part in cast("dict[str, Any]", value).items():
            _require_storable(key, depth)
            _require_storable(part, depth + 1)


def text(value: Any) -> str:
    """Return a JSON value as text, its keys in their order, with the white space that PostgreSQL writes.

    Raises:
        Unconvertible: it holds a value that JSON does not know, such as a date or a number that is not finite.
    """
    from bson import Decimal128

    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return str(int(value))
        case float() if math.isfinite(value):
            return repr(value)
        case Decimal128() if value.to_decimal().is_finite():
            return format(value.to_decimal(), "f")
        case list():
            return f"[{', '.join(text(part) for part in cast('list[Any]', value))}]"
        case dict():
            members = cast("dict[str, Any]", value).items()
            return f"{{{', '.join(f'{text(key)}: {text(part)}' for key, part in members)}}}"
        case _:
            raise Unconvertible(f"JSON has no {type(value).__name__}")


def element(value: Any, of: LogicalType) -> Any:
    """Return an element of an array as a value of JSON.

    Raises:
        Unconvertible: JSON has no such value.
    """
    from skill_server.backends.mongo.documents.convert_text import as_text

    if of.kind in (Kind.DATE, Kind.DATE_TIME, Kind.UUID):
        return as_text(value, of)
    text(value)
    return value
