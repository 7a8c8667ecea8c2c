"""How values are written in SQL: one function for text, one for a default of a logical type."""

import base64
import binascii
import json
import math
import re
import uuid
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import assert_never

from skill_server.backends.postgres.schema import types
from skill_server.errors import Invalid
from skill_server.model.base import Json
from skill_server.model.logical import Kind, LogicalType

_WHOLE_LIMITS = {Kind.INTEGER: 2**31, Kind.BIG_INTEGER: 2**63}


def text_literal(text: str) -> str:
    """Return text as an SQL literal that reads the same under every setting of the server.

    Raises:
        Invalid: PostgreSQL cannot store the text (NUL, lone surrogate).
    """
    if "\x00" in text:
        raise _unfit(text, "text without NUL, which PostgreSQL cannot store")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _unfit(ascii(text), "valid Unicode text") from error
    inside = text.replace("'", "''")
    # In an E'' literal a backslash means the same whatever standard_conforming_strings says.
    return "E'" + inside.replace("\\", "\\\\") + "'" if "\\" in text else f"'{inside}'"


def literal(value: Json, logical: LogicalType) -> str:
    """Return a JSON value as an SQL literal of a logical type; None is NULL.

    Dates and times are ISO 8601 text, decimals text or whole numbers, binary values base64.

    Raises:
        Invalid: the value does not fit the type (`default-not-of-type`).
    """
    if value is None:
        return "NULL"
    return f"{text_literal(_checked(value, logical))}::{types.native(logical)}"


def _checked(value: Json, logical: LogicalType) -> str:
    match logical.kind:
        case Kind.STRING | Kind.TEXT:
            if not isinstance(value, str) or (logical.length is not None and len(value) > logical.length):
                raise _unfit(value, str(logical))
            return value
        case Kind.INTEGER | Kind.BIG_INTEGER:
            limit = _WHOLE_LIMITS[logical.kind]
            if not isinstance(value, int) or isinstance(value, bool) or not -limit <= value < limit:
                raise _unfit(value, str(logical))
            return str(value)
        case Kind.FLOAT:
            if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
                raise _unfit(value, str(logical))
            return repr(float(value))
        case Kind.DECIMAL:
            return _decimal(value, logical)
        case Kind.BOOLEAN:
            if not isinstance(value, bool):
                raise _unfit(value, str(logical))
            return "true" if value else "false"
        case Kind.JSON:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        case Kind.DATE | Kind.DATE_TIME | Kind.UUID | Kind.BINARY:
            if not isinstance(value, str):
                raise _unfit(value, str(logical))
            return _from_text(value, logical)
        case Kind.ARRAY:
            return _array(value, logical)
        case Kind.REFERENCE:
            raise _unfit(value, f"{logical}, which has no values of its own")
        case _:
            assert_never(logical.kind)


def _decimal(value: Json, logical: LogicalType) -> str:
    # A JSON number with a fraction has been through a double, and its shortest spelling is what was written.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _unfit(value, str(logical))
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise _unfit(value, str(logical)) from error
    scale = logical.scale or 0
    digits = (logical.precision or 0) - scale
    if not number.is_finite() or number.adjusted() >= max(digits, 1) or (digits == 0 and abs(number) >= 1):
        raise _unfit(value, str(logical))
    exponent = number.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > scale:
        raise _unfit(value, str(logical))
    return format(number, "f")


def _from_text(value: str, logical: LogicalType) -> str:
    try:
        if logical.kind is Kind.DATE:
            return date.fromisoformat(value).isoformat()
        if logical.kind is Kind.UUID:
            return str(uuid.UUID(value))
        if logical.kind is Kind.BINARY:
            return "\\x" + base64.b64decode(value, validate=True).hex()
        moment = datetime.fromisoformat(value)
    except (ValueError, binascii.Error) as error:
        raise _unfit(value, str(logical)) from error
    if (moment.tzinfo is not None) is not logical.timezone:
        raise _unfit(
            value, f"{logical}, which is written {'with' if logical.timezone else 'without'} an offset"
        )
    return moment.isoformat()


def _array(value: Json, logical: LogicalType) -> str:
    if not isinstance(value, list) or logical.of is None:
        raise _unfit(value, str(logical))
    parts = [
        "NULL" if part is None else '"' + re.sub(r'(["\\\\])', r"\\\1", _checked(part, logical.of)) + '"'
        for part in value
    ]
    # The text of an array, each element in quotes (manual, section 8.15.6).
    return "{" + ",".join(parts) + "}"


def _unfit(value: object, wanted: str) -> Invalid:
    return Invalid(
        "default-not-of-type",
        f"the value {str(value)[:80]!r} is not {wanted}",
        help="Write a value of the field's type.",
    )
