"""How a record looks as a MongoDB document.

Documents carry the column names. Dates are "YYYY-MM-DD" text, identifiers are text, and decimals are
text too, except those in `DOUBLE_FIELDS`. An absent field means the same as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Numeric, Uuid, inspect

from ..models import Base, Item, ItemType, Location, Log, User

Document = dict[str, Any]
Model = TypeVar("Model", bound=Base)

COLLECTIONS: Mapping[type[Base], str] = {
    User: "user",
    ItemType: "type",
    Location: "location",
    Item: "item",
    Log: "log",
}
DOUBLE_FIELDS = frozenset({"CapacityLitres"})


def to_document(values: Mapping[str, Any]) -> Document:
    """Return values keyed by column name in the form in which documents hold them."""
    return {name: _stored(name, value) for name, value in values.items()}


def assigned_values(record: Base) -> dict[str, Any]:
    """Return what was set on a record that is not in PostgreSQL, keyed by column name."""
    state = inspect(record)
    return {
        attribute.columns[0].name: state.dict[attribute.key]
        for attribute in state.mapper.column_attrs
        if attribute.key in state.dict
    }


def from_document(model: type[Model], document: Mapping[str, Any]) -> Model:
    """Return a document as the record that PostgreSQL would have given."""
    values: dict[str, Any] = {}
    for attribute in inspect(model).column_attrs:
        column = attribute.columns[0]
        values[attribute.key] = _loaded(column, document.get(column.name))
    return model(**values)


def _stored(name: str, value: Any) -> Any:
    match value:
        case datetime():  # also a date, and kept as a BSON timestamp
            return value
        case date() | UUID():
            return str(value)
        case Decimal():
            return float(value) if name in DOUBLE_FIELDS else str(value)
        case _:
            return value


def _loaded(column: ColumnElement[Any], value: Any) -> Any:
    if value is None:
        return None
    match column.type:
        case Date():
            return date.fromisoformat(value)
        case Uuid():
            return UUID(value)
        # Float derives from Numeric, but hands out plain floats.
        case Numeric(asdecimal=True, scale=int(scale)):
            return Decimal(str(value)).quantize(Decimal(1).scaleb(-scale))
        case _:
            return value
