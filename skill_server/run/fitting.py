"""Whether a computed value can be held where it is to be written, asked before anything is."""

import math
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from skill_server.backends.records import Native
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Entity, Snapshot

_WIDEST = 2**63
# IEEE 754 decimal128, the only decimal of a database that declares no types.
_DECIMAL_DIGITS = 34


class Fitting:
    """The fields of one entity as one database has them, or will have them when the values come."""

    def __init__(self, snapshot: Snapshot, entity: str) -> None:
        self._declared = snapshot.declares_fields
        self._entity: Entity | None = snapshot.entity(entity)

    def misfit(self, values: dict[str, Any]) -> str | None:
        """Say which value does not fit and why, or None where all do."""
        for name, value in values.items():
            if (why := _unplain(value) or self._unheld(name, value)) is not None:
                return f"get a value of {name} that does not fit: {why}"
        return None

    def default(self, name: str) -> bool:
        """Say whether the database fills a field that nothing is written to."""
        field = self._entity.field(name) if self._entity else None
        return field is not None and field.default is not None

    def _unheld(self, name: str, value: Any) -> str | None:
        field = self._entity.field(name) if self._entity else None
        if not self._declared:
            return _undeclared(value)
        if value is None:
            empty = field is None or field.nullable
            return None if empty else "it must not be empty"
        if any("\x00" in text for text in _texts(value)):
            return "text holds no NUL here"
        return _typed(value, field.type) if field is not None and field.type is not None else None


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _texts(part)
    elif isinstance(value, dict):
        for key, part in cast("dict[str, Any]", value).items():
            yield key
            yield from _texts(part)


def _unplain(value: Any) -> str | None:
    for text in _texts(value):
        try:
            text.encode()
        except UnicodeEncodeError:
            return "text is not valid Unicode"
    parts: list[Any] = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += cast("list[Any]", part)
        elif isinstance(part, dict):
            parts += cast("dict[str, Any]", part).values()
        elif part is not None and not isinstance(
            part, bool | int | float | Decimal | str | bytes | date | UUID | Native
        ):
            return f"a {type(part).__name__} is no plain value"
        elif isinstance(part, int) and not -_WIDEST <= part < _WIDEST:
            return "a whole number has at most 64 bits"
    return None


def _undeclared(value: Any) -> str | None:
    match value:
        case Decimal() if len(value.as_tuple().digits) > _DECIMAL_DIGITS:
            return f"a decimal has at most {_DECIMAL_DIGITS} digits here"
        case datetime() if value.microsecond % 1000:
            return "a moment has at most milliseconds here"
        case list():
            return next((why for part in cast("list[Any]", value) if (why := _undeclared(part))), None)
        case dict():
            parts = cast("dict[str, Any]", value).values()
            return next((why for part in parts if (why := _undeclared(part))), None)
        case _:
            return None


def _typed(value: Any, kind: LogicalType) -> str | None:
    shown = f"a {type(value).__name__} is no {kind}"
    if isinstance(value, Native):
        return None
    match kind.kind:
        case Kind.STRING | Kind.TEXT:
            if not isinstance(value, str | UUID):
                return shown
            longest = kind.length
            fits = longest is None or len(str(value)) <= longest
            return None if fits else f"it has {len(str(value))} characters and the type holds {longest}"
        case Kind.INTEGER | Kind.BIG_INTEGER | Kind.FLOAT | Kind.DECIMAL:
            if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
                return shown
            return _number(value, kind)
        case Kind.BOOLEAN:
            return None if isinstance(value, bool) else shown
        case Kind.DATE | Kind.DATE_TIME:
            return None if isinstance(value, date) or _is_day(value) else shown
        case Kind.UUID:
            return None if isinstance(value, UUID) or _is_uuid(value) else shown
        case Kind.BINARY:
            return None if isinstance(value, bytes) else shown
        case Kind.JSON:
            return shown if isinstance(value, bytes) else None
        case _:
            # Lists, and references whose type is that of what they point at: the database itself is asked.
            return None


def _number(value: float | Decimal, kind: LogicalType) -> str | None:
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if kind.kind is Kind.FLOAT:
        near = float(exact)
        held = not exact.is_finite() or (math.isfinite(near) and Decimal(repr(near)) == exact)
        return None if held else "a double does not hold the number exactly"
    if kind.kind is Kind.DECIMAL and exact.is_nan():
        return None
    if not exact.is_finite():
        return f"{exact} is no {kind}"
    sign_digits = exact.as_tuple()
    text = "".join(map(str, sign_digits.digits))
    places = -(int(sign_digits.exponent) + len(text) - len(text.rstrip("0"))) if text.strip("0") else 0
    if kind.kind is Kind.DECIMAL:
        scale = kind.scale or 0
        fits = places <= scale and exact.copy_abs() < Decimal(10) ** ((kind.precision or 0) - scale)
        return None if fits else f"it does not fit {kind} without rounding"
    bits = 31 if kind.kind is Kind.INTEGER else 63
    fits = places <= 0 and -(2**bits) <= exact < 2**bits
    return None if fits else f"it is no whole number of {bits + 1} bits"


def _is_day(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_uuid(value: Any) -> bool:
    try:
        UUID(value)
    except (TypeError, ValueError, AttributeError):
        return False
    return True
