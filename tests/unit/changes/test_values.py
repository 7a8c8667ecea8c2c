"""A default fits a type exactly, or the author is told why not."""

from typing import Any

import pytest

from skill_server.model.logical import parse
from skill_server.model.values import misfit

FITS: list[tuple[str, Any]] = [
    ("String(3)", "äöü"),
    ("Text", ""),
    ("Integer", -(2**31)),
    ("BigInteger", 2**63 - 1),
    ("Float", 1),
    ("Float", 0.1),
    ("Decimal(4,2)", "-12.34"),
    ("Decimal(4,2)", 12),
    ("Decimal(2,2)", "0.99"),
    ("Decimal(4,2)", "0"),
    ("Boolean", False),
    ("Date", "2024-02-29"),
    ("DateTime", "2024-02-29T10:00:00"),
    ("DateTime(tz)", "2024-02-29T10:00:00+02:00"),
    ("Json", {"a": [1, None, "x", {"b": True}]}),
    ("Uuid", "6f1c0f3e-7a1d-4b52-9f83-2f8f2f6f0a11"),
    ("Binary", "AAEC"),
    ("Integer", None),
    ("Array(Integer)", [1, None]),
    ("Array(Text)", []),
]
DOES_NOT: list[tuple[str, Any]] = [
    ("String(3)", "abcd"),
    ("String(3)", 1),
    ("Text", "a\x00"),
    ("Integer", 2**31),
    ("Integer", True),
    ("Integer", "1"),
    ("Integer", 1.0),
    ("BigInteger", 2**63),
    ("Float", True),
    ("Float", 2**53 + 1),
    ("Float", float("nan")),
    ("Decimal(4,2)", "123.4"),
    ("Decimal(4,2)", "1.234"),
    ("Decimal(4,2)", 0.1),
    ("Decimal(4,2)", "NaN"),
    ("Decimal(4,2)", "1e1"),
    ("Decimal(4,2)", True),
    ("Boolean", 1),
    ("Date", "2023-02-29"),
    ("Date", "20230101"),
    ("Date", "yesterday"),
    ("DateTime", "2024-02-29T10:00:00+02:00"),
    ("DateTime(tz)", "2024-02-29T10:00:00"),
    ("DateTime", 5),
    ("Json", {"a": 2**63}),
    ("Json", {"a": "\x00"}),
    ("Uuid", "6f1c0f3e7a1d4b529f832f8f2f6f0a11"),
    ("Binary", "not base64!"),
    ("Array(Integer)", [1, "2"]),
    ("Array(Text)", "a"),
    ("Array(Decimal(4,2))", [["1"]]),
    ("Reference(items)", 1),
]


@pytest.mark.parametrize(("kind", "value"), FITS)
def test_a_value_that_the_type_holds_exactly_fits(kind: str, value: Any) -> None:
    """Edge values at the inside of each limit are accepted."""
    assert misfit(value, parse(kind)) is None


@pytest.mark.parametrize(("kind", "value"), DOES_NOT)
def test_a_value_that_would_change_on_the_way_does_not_fit(kind: str, value: Any) -> None:
    """A default that one database rounds and the other refuses would part the pair."""
    assert misfit(value, parse(kind))
