"""The declarative base that every model of the application shares."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Collects the tables of the application in one metadata object."""


def iso(value: date | datetime | None) -> str | None:
    """Return a date or timestamp in the ISO form that the API promises, and nothing for nothing."""
    return None if value is None else value.isoformat()
