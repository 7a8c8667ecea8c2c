"""Random small schemas, records and changes that fit them, the same for both databases."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from skill_server import changes
from skill_server.model.change import Change
from skill_server.model.logical import LogicalType, parse

# What both databases can hold: no NUL, no lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=12)
_NAMES = ("ItemName", "note", "Größe", "price2", "a b", "x_y", "OwnerID", "工具")
_NEW = ("fresh", "Renamed", "added_1", "zz")
# BSON holds milliseconds.
_MOMENTS = st.integers(-2_000_000_000_000, 7_000_000_000_000).map(
    lambda passed: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=passed)
)
_WHOLE_TEXT = st.integers(-(2**31), 2**31 - 1).map(str)
_DAYS = st.dates(date(1900, 1, 1), date(2200, 1, 1))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Text": TEXT,
    "String(20)": TEXT,
    "Integer": st.integers(-(2**31), 2**31 - 1),
    "BigInteger": st.integers(-(2**63), 2**63 - 1),
    "Float": st.floats(width=32),
    "Decimal(12,2)": st.decimals(-(10**9), 10**9, places=2),
    "Boolean": st.booleans(),
    "Date": _DAYS,
    "DateTime(tz)": _MOMENTS,
    "DateTime": _MOMENTS.map(lambda moment: moment.replace(tzinfo=None)),
    "Binary": st.binary(max_size=12),
    "Array(Integer)": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    "Json": st.recursive(
        st.one_of(st.integers(-(2**31), 2**31 - 1), st.booleans(), TEXT),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
        max_leaves=5,
    ).map(lambda value: {"value": value}),
    "Uuid": st.uuids(),
}
# Conversions with the values that survive them, so that what is drawn may be migrated.
RETYPES: dict[str, tuple[tuple[str, st.SearchStrategy[Any] | None], ...]] = {
    "Text": (
        ("String(40)", None),
        ("Integer", _WHOLE_TEXT),
        ("Date", _DAYS.map(str)),
        ("Boolean", st.sampled_from(["true", "f", "YES", "0"])),
        ("Uuid", st.uuids().map(str)),
        ("Decimal(20,2)", st.decimals(-1000, 1000, places=2).map(str)),
    ),
    "String(20)": (("Text", None), ("String(64)", None)),
    "Integer": (("BigInteger", None), ("Text", None), ("Decimal(12,0)", None), ("Float", None)),
    "BigInteger": (("Text", None), ("Integer", st.integers(-(2**31), 2**31 - 1))),
    "Decimal(12,2)": (("Text", None), ("Decimal(20,6)", None), ("Integer", st.decimals(-9, 9, places=2))),
    "Boolean": (("Integer", None), ("Text", None)),
    "Date": (("DateTime(tz)", None), ("Text", None)),
    "DateTime(tz)": (("Date", None), ("Text", None)),
    "DateTime": (("DateTime(tz)", None), ("Text", None)),
    "Binary": (),
    "Array(Integer)": (("Json", None), ("Array(BigInteger)", None)),
    "Uuid": (("Text", None),),
    "Float": (("Text", None), ("Decimal(30,10)", st.floats(-1000, 1000, width=16))),
    "Json": (),
}


@dataclass(frozen=True)
class Shape:
    """Fields by name with their types, which of them are never empty, records, and changes that fit.

    `closed` says whether MongoDB has a validator that describes the fields and admits no others.
    """

    fields: dict[str, LogicalType]
    required: frozenset[str]
    indexed: tuple[str, ...]
    closed: bool
    records: list[dict[str, Any]]
    changes: tuple[Change, ...]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Draw a schema, then changes of different fields of it, then records whose values the changes can carry."""
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=2, max_size=4, unique=True))
    spelled = {name: draw(st.sampled_from(sorted(VALUES))) for name in names}
    values = {name: VALUES[spelled[name]] for name in names}
    required = frozenset(draw(st.lists(st.sampled_from(names), max_size=2)))
    indexable = [name for name in names if spelled[name] != "Json"]
    indexed = tuple(draw(st.lists(st.sampled_from(indexable), max_size=1))) if indexable else ()
    new = list(draw(st.permutations(_NEW)))
    touched: list[Change] = []
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(["rename_field", "drop_field", "retype_field", "add_index"]))
        if kind == "rename_field":
            touched.append(_change(kind, field=name, to=new.pop()))
        elif kind == "retype_field" and RETYPES[spelled[name]]:
            to, carried = draw(st.sampled_from(RETYPES[spelled[name]]))
            values[name] = carried if carried is not None else values[name]
            touched.append(_change(kind, field=name, was=spelled[name], to=to))
        elif kind == "add_index" and name in indexable and name not in indexed:
            sign = draw(st.sampled_from(["", "-"]))
            keys = (f"{sign}{name}", "number")
            unique = draw(st.booleans())
            touched.append(_change(kind, name=f"by_{len(touched)}", fields=keys, unique=unique))
        else:
            touched.append(_change("drop_field", field=name))
    if indexed and draw(st.booleans()) and not _meets(touched, indexed[0]):
        touched.append(_change("drop_index", name="there"))
    if draw(st.booleans()):
        touched.insert(draw(st.integers(0, len(touched))), draw(_added(new.pop())))
    records = draw(st.lists(_record(values, required), max_size=6))
    return Shape(
        fields={name: parse(word) for name, word in spelled.items()},
        required=required,
        indexed=indexed,
        closed=draw(st.booleans()),
        records=[{"number": number, **record} for number, record in enumerate(records)],
        changes=tuple(touched),
    )


def _meets(touched: list[Change], field: str) -> bool:
    return any(getattr(change, "field", None) == field for change in touched)


@st.composite
def _record(
    draw: st.DrawFn, values: dict[str, st.SearchStrategy[Any]], required: frozenset[str]
) -> dict[str, Any]:
    """Draw the values of a record; one left out is NULL in PostgreSQL and missing in MongoDB."""
    record: dict[str, Any] = {}
    for name in draw(st.permutations(list(values))):
        if name in required or draw(st.integers(0, 3)):
            record[name] = draw(values[name] if name in required else st.none() | values[name])
    return record


@st.composite
def _added(draw: st.DrawFn, name: str) -> Change:
    word, default = draw(
        st.sampled_from(
            [
                ("Text", "é ☃"),
                ("Integer", -1),
                ("Decimal(8,2)", "12.50"),
                ("Boolean", False),
                ("Date", "2024-02-29"),
                ("Json", {"a": [1, None]}),
                ("Text", None),
            ]
        )
    )
    nullable = default is None or draw(st.booleans())
    return _change("add_field", field=name, type=word, default=default, nullable=nullable)


def _change(kind: str, **arguments: Any) -> Change:
    return changes.build(kind, entity="things", **arguments)


def to_bson(value: Any, kind: LogicalType) -> Any:
    """Return a value as MongoDB holds it."""
    from bson import Binary, Decimal128, Int64

    match value:
        case Decimal():
            return Decimal128(value)
        case uuid.UUID():
            return Binary(value.bytes, 4)
        case date() if not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        case int() if str(kind) == "BigInteger":
            return Int64(value)
        case _:
            return value
