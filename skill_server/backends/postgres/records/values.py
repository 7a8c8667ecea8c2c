"""Values of columns as plain Python values and back, through the text that the server prints and reads exactly.

The driver's own codecs lose something: they read `infinity` as the largest date and an interval as a time of days.
"""

import json
import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from skill_server.backends.records import Native

_BITS = {"int2": 15, "int4": 31, "int8": 63}
_TEXTUAL = frozenset({"text", "varchar", "bpchar", "name", "citext", "enum"})
_BOUNDS = re.compile(r"(\[-?\d+:-?\d+\])+=")
_NUL = "\\u0000"


@dataclass(frozen=True)
class Type:
    """What a value needs to know of its column: the server's name of the type, and its parameters."""

    kind: str
    sql: str
    array: bool = False
    length: int | None = None
    precision: int | None = None
    scale: int = 0

    @property
    def is_json(self) -> bool:
        """Whether values are JSON, whose numbers have many spellings."""
        return self.kind in ("json", "jsonb") and not self.array


def shown(column: str, type_: Type) -> str:
    """Return the SQL of the text that `decoded` reads."""
    if not type_.array:
        return f"{column}::text"
    # Bounds other than 1 are part of the value, and JSON does not have them.
    return f"CASE WHEN {column}::text LIKE '[%' THEN {column}::text ELSE array_to_json({column}::text[])::text END"


def decoded(text: str | None, type_: Type) -> Any:
    """Return the value behind a text that the server printed."""
    if text is None:
        return None
    if not type_.array:
        return _one(text, type_)
    if _BOUNDS.match(text):
        return Native(text, text)
    return _each(json.loads(text), type_)


def encoded(value: Any, type_: Type) -> str | None:
    """Return the text of a value for a column; raise ValueError, saying why, where the column cannot hold it."""
    if value is None:
        return None
    if not type_.array:
        return _text(value, type_)
    if isinstance(value, Native):
        return value.text
    return _literal(_require_list(value), type_)


def _each(value: Any, type_: Type) -> Any:
    if isinstance(value, list):
        return [_each(part, type_) for part in cast("list[Any]", value)]
    return None if value is None else _one(value, type_)


def _one(text: str, type_: Type) -> Any:
    match type_.kind:
        case "bool":
            return text == "true"
        case "int2" | "int4" | "int8":
            return int(text)
        case "numeric":
            return Decimal(text)
        case "float4" | "float8":
            return float(text)
        case "bytea":
            return bytes.fromhex(text.removeprefix("\\x"))
        case "date" | "timestamp" | "timestamptz":
            return _moment(text, type_.kind)
        case "uuid":
            return UUID(text)
        case "json" | "jsonb":
            return _json(text)
        case kind if kind in _TEXTUAL:
            return text
        case _:
            return Native(text, text)


def _moment(text: str, kind: str) -> Any:
    try:
        if kind == "date":
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        # Infinity, and years before Christ or after 9999, are moments for PostgreSQL alone.
        return Native(text, text)
    return moment.astimezone(UTC) if kind == "timestamptz" else moment


class _TwiceError(Exception):
    """An object names a member twice."""


def _json(text: str) -> Any:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise _TwiceError
        return found

    try:
        value = json.loads(text, object_pairs_hook=members, parse_float=_number)
    except _TwiceError:
        return Native(text, text)
    # NULL and the JSON null are two values, and a NUL is one that jsonb refuses.
    return Native(text, text) if value is None or _NUL in text else value


def _number(text: str) -> float | Decimal:
    # 1.10 and 1.1 are one number with two spellings, and jsonb keeps both.
    near = float(text)
    return near if repr(near) == text else Decimal(text)


def _text(value: Any, type_: Type) -> str:
    if type_.kind in ("json", "jsonb"):
        return value.text if isinstance(value, Native) and isinstance(value.value, str) else _spelled(value)
    if isinstance(value, Native):
        return value.text
    match type_.kind:
        case "bool":
            _require(isinstance(value, bool), value, type_)
            return str(value).lower()
        case "int2" | "int4" | "int8":
            return _whole(value, type_)
        case "numeric":
            return _exact(value, type_)
        case "float4" | "float8":
            return _near(value, type_)
        case "bytea":
            _require(isinstance(value, bytes), value, type_)
            return f"\\x{value.hex()}"
        case "date" | "timestamp" | "timestamptz":
            return _day(value, type_) if type_.kind == "date" else _instant(value, type_)
        case "uuid":
            return str(value if isinstance(value, UUID) else UUID(_word(value, type_)))
        case _:
            return _word(str(value) if isinstance(value, UUID) else value, type_)


def _require(holds: object, value: Any, type_: Type) -> None:
    if not holds:
        raise ValueError(f"a {type(value).__name__} does not fit {type_.sql}")


def _require_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"a {type(value).__name__} is no list")  # noqa: TRY004 - one kind of error for every misfit
    return cast("list[Any]", value)


def _as_decimal(value: Any, type_: Type) -> Decimal:
    _require(isinstance(value, int | float | Decimal) and not isinstance(value, bool), value, type_)
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _whole(value: Any, type_: Type) -> str:
    exact = _as_decimal(value, type_)
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise ValueError(f"a number that is not whole does not fit {type_.sql}")
    limit = 2 ** _BITS[type_.kind]
    if not -limit <= exact < limit:
        raise ValueError(f"a number is out of the range of {type_.sql}")
    return str(int(exact))


def _exact(value: Any, type_: Type) -> str:
    exact = _as_decimal(value, type_)
    if type_.precision is not None and not exact.is_nan():
        fits = exact.is_finite() and _places(exact) <= type_.scale
        if not fits or exact.copy_abs() >= Decimal(10) ** (type_.precision - type_.scale):
            raise ValueError(
                f"a number does not fit numeric({type_.precision},{type_.scale}) without rounding"
            )
    return str(exact)


def _places(value: Decimal) -> int:
    # Not by arithmetic, which rounds to the 28 digits of its context.
    _, digits, exponent = value.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    return -(int(exponent) + len(digits) - len(significant)) if significant else 0


def _near(value: Any, type_: Type) -> str:
    exact = _as_decimal(value, type_)
    near = _single(float(exact)) if type_.kind == "float4" else float(exact)
    if exact.is_finite() and (not math.isfinite(near) or Decimal(repr(near)) != exact):
        raise ValueError(f"{type_.sql} does not hold a number exactly")
    return repr(near)


def _single(value: float) -> float:
    """Return the number that a column of four bytes gives back: the shortest spelling of the nearest one."""
    try:
        nearest: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.inf
    spellings = (float(f"{nearest:.{digits}g}") for digits in range(1, 10))
    return next((one for one in spellings if struct.pack("f", one) == struct.pack("f", nearest)), nearest)


def _day(value: Any, type_: Type) -> str:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        _require(moment.time().isoformat() == "00:00:00", value, type_)
        return moment.date().isoformat()
    return (value if isinstance(value, date) else date.fromisoformat(_word(value, type_))).isoformat()


def _instant(value: Any, type_: Type) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - given its zone below
    _require(isinstance(value, datetime), value, type_)
    moment: datetime = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return (moment if type_.kind == "timestamptz" else moment.replace(tzinfo=None)).isoformat(" ")


def _word(value: Any, type_: Type) -> str:
    _require(isinstance(value, str), value, type_)
    text: str = value
    if "\x00" in text:
        raise ValueError("PostgreSQL holds no NUL in text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text is not valid Unicode") from error
    if type_.length is not None and len(text) > type_.length:
        raise ValueError(f"text of {len(text)} characters does not fit {type_.length}")
    return text


def _spelled(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() | Decimal():
            if not Decimal(value).is_finite():
                raise ValueError("JSON has no such number")
            return repr(value) if isinstance(value, float) else str(value)
        case list():
            return f"[{','.join(_spelled(part) for part in cast('list[Any]', value))}]"
        case dict():
            members = cast("dict[str, Any]", value).items()
            return "{" + ",".join(f"{_spelled(name)}:{_spelled(part)}" for name, part in members) + "}"
        case bytes():
            raise ValueError("JSON has no bytes")
        case datetime() | date():
            return json.dumps(value.isoformat())
        case _:
            text = value.text if isinstance(value, Native) else str(value)
            return json.dumps(_word(text, Type("text", "text")), ensure_ascii=False)


def _literal(parts: Iterable[Any], type_: Type) -> str:
    spelled: list[str] = []
    for part in parts:
        if part is None:
            spelled.append("NULL")
        elif isinstance(part, list):
            spelled.append(_literal(cast("list[Any]", part), type_))
        else:
            escaped = _text(part, type_).replace("\\", "\\\\").replace('"', '\\"')
            spelled.append(f'"{escaped}"')
    return "{" + ",".join(spelled) + "}"
