"""Equal values have one spelling, whatever types the two databases gave them; others have two."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from skill_server.backends.records import Native
from skill_server.run.sameness import canonical, same

TOKEN = uuid.UUID(int=5)
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (Decimal("12.50"), 12.5),
        (Decimal("1E+2"), 100),
        (0, Decimal("-0.00")),
        (2**63, Decimal(2**63)),
        (date(2024, 2, 29), datetime(2024, 2, 29, tzinfo=UTC)),
        (date(2024, 2, 29), "2024-02-29"),
        (NOON, NOON.astimezone(timezone(timedelta(hours=5)))),
        (NOON, NOON.replace(tzinfo=None)),
        (TOKEN, str(TOKEN)),
        (Native("65f0", 1), "65f0"),
        ({"a": 1, "b": [Decimal(2)]}, {"b": [2.0], "a": 1}),
        (math.nan, Decimal("NaN")),
    ],
)
def test_values_that_mean_the_same_are_spelled_the_same(one: Any, other: Any) -> None:
    """A copy is not different because one database has wider numbers."""
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, "1"),
        (0.1, Decimal("0.10000000000000001")),
        (2**53, 2**53 + 1),
        (Decimal("1." + "0" * 40 + "1"), 1),
        ("", None),
        ([], None),
        ("2024-02-30", date(2024, 2, 29)),
        (b"a", "a"),
        (NOON, NOON + timedelta(microseconds=1)),
        (math.inf, -math.inf),
    ],
)
def test_values_that_differ_at_all_are_spelled_differently(one: Any, other: Any) -> None:
    """A value that is taken for another is not written, and not found by a comparison."""
    assert canonical(one) != canonical(other)


def test_moments_are_compared_by_milliseconds_only_across_databases() -> None:
    """MongoDB holds no more, but within PostgreSQL a microsecond counts."""
    later = NOON + timedelta(microseconds=999)
    assert canonical(NOON, coarse=True) == canonical(later, coarse=True)
    assert canonical(NOON, coarse=True) != canonical(NOON + timedelta(milliseconds=1), coarse=True)


def test_a_missing_value_is_as_good_as_an_empty_one() -> None:
    """Null against missing is no reason to write."""
    assert same({"a": None, "b": 1}, {"b": 1, "c": 2})
    assert not same({"a": 0}, {})
