"""When two values are one, whatever types the two databases gave them: a spelling that equal values share."""

import json
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from skill_server.backends.records import Native, Values

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def canonical(value: Any, *, coarse: bool = False) -> str:
    """Return a text that is the same for equal values.

    Numbers go by value, whatever their width; a day, also one written as text, is its midnight; a moment without an
    offset is in UTC; an id of one database and a UUID are their text; a missing value is null. With `coarse`, moments
    are cut to milliseconds, which is all that MongoDB holds.
    """
    return json.dumps(_plain(value, coarse=coarse), sort_keys=True)


def same(one: Values, other: Values) -> bool:
    """Say whether every value of `one` is that of `other`."""
    return all(canonical(value) == canonical(other.get(field)) for field, value in one.items())


def _plain(value: Any, *, coarse: bool) -> Any:
    match value:
        case None | bool():
            return value
        case int() | float() | Decimal():
            return {"number": _number(value)}
        case datetime() | date():
            return {"moment": _moment(value, coarse=coarse)}
        case UUID():
            return str(value)
        case Native():
            return value.text
        case str():
            return _text(value, coarse=coarse)
        case bytes():
            return {"bytes": value.hex()}
        case list():
            return [_plain(part, coarse=coarse) for part in cast("list[Any]", value)]
        case dict():
            return {key: _plain(part, coarse=coarse) for key, part in cast("dict[str, Any]", value).items()}
        case _:
            return {"other": repr(value)}


def _number(value: float | Decimal) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            return repr(value)
        value = Decimal(repr(value))
    sign, digits, exponent = Decimal(value).as_tuple()
    if not isinstance(exponent, int):
        return repr(float(value))
    # Not `normalize`, which rounds to the 28 digits of its context.
    significant = "".join(map(str, digits)).rstrip("0").lstrip("0")
    trailing = len("".join(map(str, digits))) - len("".join(map(str, digits)).rstrip("0"))
    return f"{'-' if sign else ''}{significant}e{exponent + trailing}" if significant else "0"


def _moment(value: date, *, coarse: bool) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    since = (value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH
    exact = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return exact // 1000 * 1000 if coarse else exact


def _text(value: str, *, coarse: bool) -> Any:
    if _DAY.fullmatch(value):
        try:
            return {"moment": _moment(date.fromisoformat(value), coarse=coarse)}
        except ValueError:
            return value
    return value
