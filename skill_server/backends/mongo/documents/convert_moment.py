"""Days and moments: text as PostgreSQL reads it, and the dates of BSON, which count milliseconds in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from skill_server.backends import spellings
from skill_server.backends.mongo.documents.unconvertible import Unconvertible
from skill_server.model.logical import Kind, LogicalType

_DAY = re.compile(spellings.DAY)
_MOMENT = {zone: re.compile(spellings.moment(timezone=zone)) for zone in (False, True)}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive like the text it is taken from
_DAY_MS = 86_400_000


def as_day(value: Any, was: LogicalType) -> Any:
    """Return the midnight of a day in text, or of a moment; only where `was` is `DateTime` the time may be cut off.

    Raises:
        Unconvertible: the text is no day of the calendar, or a moment among other values is no midnight.
    """
    from bson.datetime_ms import DatetimeMS

    if isinstance(value, str):
        if not _DAY.fullmatch(value):
            raise Unconvertible("the text is no day such as 2024-02-29")
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if isinstance(value, DatetimeMS):
        rest = int(value) % _DAY_MS
        day = DatetimeMS(int(value) - rest) if rest else value
    elif isinstance(value, datetime):
        moment = value.astimezone(UTC)
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        rest = moment - day
    else:
        raise Unconvertible(f"a {type(value).__name__} is no day")
    if rest and was.kind is not Kind.DATE_TIME:
        raise Unconvertible("it is a moment of the day")
    return day


def as_moment(value: Any, *, timezone: bool) -> Any:
    """Return the moment that a text spells; without offset it is one of UTC.

    Raises:
        Unconvertible: the text is no moment, has an offset where none belongs, or more digits than milliseconds.
    """
    from bson.datetime_ms import DatetimeMS

    if isinstance(value, datetime | DatetimeMS):
        return value
    if not isinstance(value, str) or not _MOMENT[timezone].fullmatch(value):
        raise Unconvertible("it is no moment such as 2024-02-29T10:00:00")
    moment = datetime.fromisoformat(value)
    if moment.microsecond % 1000:
        raise Unconvertible("a BSON date holds milliseconds, the text has more digits")
    offset = moment.utcoffset() or timedelta()
    milliseconds = (moment.replace(tzinfo=None) - _EPOCH - offset) // timedelta(milliseconds=1)
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).replace(tzinfo=UTC)
    except OverflowError:
        # The offset leads past the years that Python knows; BSON holds them.
        return DatetimeMS(milliseconds)


def text(value: Any, was: LogicalType) -> str:
    """Return a day or a moment of the years 1 to 9999 as ISO 8601; `was` tells which it is.

    Raises:
        Unconvertible: another year, or a day that has a time.
    """
    if not isinstance(value, datetime):
        raise Unconvertible("only the years 1 to 9999 have text")
    moment = value.astimezone(UTC).replace(tzinfo=None)
    if was.kind is Kind.DATE:
        if moment.time() != time():
            raise Unconvertible("it is a moment of the day")
        return moment.date().isoformat()
    return moment.isoformat() + ("" if was.kind is Kind.DATE_TIME and not was.timezone else "Z")
