"""Conversions of single values, with PostgreSQL's rounding."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64
from bson.datetime_ms import DatetimeMS

from skill_server.backends.mongo.documents.convert import Unconvertible, convert
from skill_server.model.logical import parse

LONG = Int64(2**53 + 1)
MOMENT = datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=UTC)
DAY = datetime(2024, 2, 29, tzinfo=UTC)
UUID = Binary(bytes(range(16)), 4)
UUID_TEXT = "00010203-0405-0607-0809-0a0b0c0d0e0f"


@pytest.mark.parametrize(
    ("value", "was", "to", "expected"),
    [
        ("12", "Text", "Integer", 12),
        (" -7 ", "Text", "BigInteger", Int64(-7)),
        (Int64(2**31 - 1), "BigInteger", "Integer", 2**31 - 1),
        (2.5, "Float", "Integer", 2),
        (3.5, "Float", "Integer", 4),
        (Decimal128("2.5"), "Decimal(5,1)", "Integer", 3),
        ("12.5", "Text", "Decimal(12,2)", Decimal128("12.50")),
        (Decimal128("1.005"), "Decimal(5,3)", "Decimal(5,2)", Decimal128("1.01")),
        (0.1, "Float", "Decimal(5,2)", Decimal128("0.10")),
        (5, "Integer", "Text", "5"),
        (True, "Boolean", "Text", "true"),
        (True, "Boolean", "Integer", 1),
        (0, "Integer", "Boolean", False),
        ("yes", "Text", "Boolean", True),
        (DAY, "Date", "Text", "2024-02-29"),
        ("2024-02-29", "Text", "Date", DAY),
        (MOMENT, "DateTime", "Date", DAY),
        (MOMENT, "DateTime(tz)", "Text", "2024-02-29T12:34:56.789000Z"),
        ("2024-02-29T12:34:56.789Z", "Text", "DateTime(tz)", MOMENT),
        ('{"a":[1]}', "Text", "Json", {"a": [1]}),
        ({"a": [1, "ü"]}, "Json", "Text", '{"a": [1, "ü"]}'),
        (UUID_TEXT, "Text", "Uuid", UUID),
        (UUID, "Uuid", "Text", UUID_TEXT),
        ("abc", "Text", "String(3)", "abc"),
    ],
)
def test_a_value_becomes_one_of_the_other_type(value: Any, was: str, to: str, expected: Any) -> None:
    """Both databases of a pair must end with the same value, of exactly the type asked for."""
    new = convert(value, parse(was), parse(to))
    assert (type(new), new) == (type(expected), expected)


@pytest.mark.parametrize(
    ("value", "to"),
    [
        ("1.5", "Integer"),
        ("", "Integer"),
        ("١٢", "Integer"),
        (2**31, "Integer"),
        ("9" * 30, "BigInteger"),
        (float("nan"), "Integer"),
        ("abcd", "String(3)"),
        ("1000", "Decimal(5,2)"),
        ("12.345", "Decimal(12,2)"),
        ("maybe", "Boolean"),
        (2, "Boolean"),
        ("2024-02-30", "Date"),
        ("2024-02-29T10:00:00", "Date"),
        ("{", "Json"),
        ("no", "Uuid"),
        ([1], "Integer"),
    ],
)
def test_a_value_without_counterpart_is_told(value: Any, to: str) -> None:
    """A guess would be a silent loss."""
    with pytest.raises(Unconvertible):
        convert(value, parse("Text"), parse(to))


@pytest.mark.parametrize(
    ("value", "was", "to"),
    [
        (5.5, "Text", "Integer"),
        (True, "Text", "Integer"),
        (5.5, "Boolean", "Integer"),
        (5.5, "Integer", "BigInteger"),
        (Decimal128("5.5"), "Integer", "BigInteger"),
        (True, "Integer", "BigInteger"),
        (5.5, "BigInteger", "Integer"),
        (False, "BigInteger", "Integer"),
        (Decimal128("5.5"), "Float", "Integer"),
        (True, "Float", "Integer"),
        (5.5, "Decimal(5,1)", "Integer"),
        (LONG, "Integer", "Float"),
        (LONG, "Text", "Float"),
        (LONG, "Decimal(20,0)", "Float"),
        (Int64(36028797018963970), "Integer", "Float"),
        (Decimal128("0.1000000000000000055"), "Integer", "Float"),
        (True, "Integer", "Float"),
        (5.125, "Decimal(5,3)", "Decimal(5,2)"),
        (Decimal128("5.125"), "Float", "Decimal(5,2)"),
        (True, "Integer", "Decimal(5,2)"),
        (MOMENT, "Text", "Date"),
        (DatetimeMS(10**15 + 1), "Text", "Date"),
        (MOMENT, "Date", "Text"),
        (MOMENT, "Date", "String(40)"),
        ([1, 5.5], "Array(Integer)", "Array(BigInteger)"),
        ([5.5], "Array(Integer)", "Integer"),
        ([MOMENT], "Array(Date)", "Json"),
    ],
)
def test_a_value_of_another_type_than_its_field_is_never_rounded_or_cut(
    value: Any, was: str, to: str
) -> None:
    """Nobody was told that such a value would lose something."""
    with pytest.raises(Unconvertible):
        convert(value, parse(was), parse(to))


@pytest.mark.parametrize(
    ("value", "was", "to", "expected"),
    [
        (5.0, "Text", "Integer", 5),
        (Decimal128("5.0"), "Integer", "BigInteger", Int64(5)),
        (5.0, "BigInteger", "Integer", 5),
        (Int64(5), "Integer", "Float", 5.0),
        (Decimal128("0.1"), "Integer", "Float", 0.1),
        (LONG, "BigInteger", "Float", 2.0**53),
        (Decimal128("0.1000000000000000055"), "Decimal(20,19)", "Float", 0.1),
        (5.5, "Decimal(5,3)", "Decimal(5,2)", Decimal128("5.50")),
        (DAY, "Text", "Date", DAY),
        (MOMENT, "Text", "DateTime", MOMENT),
        (DatetimeMS(86_400_000), "Text", "Date", DatetimeMS(86_400_000)),
        (DatetimeMS(86_400_001), "DateTime", "Date", DatetimeMS(86_400_000)),
    ],
)
def test_a_value_that_keeps_its_digits_converts_whatever_its_type(
    value: Any, was: str, to: str, expected: Any
) -> None:
    """Mixed types alone are no reason to stop, and what is declared lossy still rounds the field's own type."""
    new = convert(value, parse(was), parse(to))
    assert (type(new), new) == (type(expected), expected)
