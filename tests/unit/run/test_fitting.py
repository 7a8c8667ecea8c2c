"""A value that cannot be held where it goes is found before anything is written, and no other is."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.snapshot import Entity, Field, Snapshot
from skill_server.run.fitting import Fitting

MICROSECOND = datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)


def a_fitting(kind: str, *, declared: bool = True, nullable: bool = True) -> Fitting:
    """Return what fits a field `x` of that type."""
    field = Field(name="x", native_name="x", type=parse(kind), native_type=kind, nullable=nullable)
    entity = Entity(name="items", native_name="items", fields=(field,))
    snapshot = Snapshot(
        backend=BackendKind.POSTGRES, entities=(entity,), fingerprint="f", declares_fields=declared
    )
    return Fitting(snapshot, "items")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String(3)", "größe"[:3]),
        ("Integer", 2**31 - 1),
        ("Integer", 5.0),
        ("Integer", Decimal("5.00")),
        ("BigInteger", -(2**63)),
        ("Decimal(5,2)", Decimal("999.99")),
        ("Decimal(5,2)", Decimal("1.5000")),
        ("Decimal(5,2)", 0.1),
        ("Float", math.nan),
        ("Float", 2**53),
        ("Date", "2024-02-29"),
        ("Date", date(2024, 2, 29)),
        ("DateTime(tz)", MICROSECOND),
        ("Uuid", uuid.UUID(int=1)),
        ("Json", {"a": [1, None]}),
        ("Boolean", False),
        ("Binary", b"\x00"),
        ("Text", None),
    ],
)
def test_what_fits_passes(kind: str, value: Any) -> None:
    """A check that refuses good values stops good migrations."""
    assert a_fitting(kind).misfit({"x": value}) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String(3)", "four"),
        ("Text", "a\x00b"),
        ("Json", {"a": ["\x00"]}),
        ("Text", "\ud800"),
        ("Text", 5),
        ("Integer", 2**31),
        ("Integer", 5.5),
        ("Integer", math.nan),
        ("Integer", True),
        ("BigInteger", 2**63),
        ("Decimal(5,2)", Decimal(1000)),
        ("Decimal(5,2)", Decimal("0.001")),
        ("Decimal(5,2)", math.inf),
        ("Float", 2**53 + 1),
        ("Float", Decimal("0.1000000000000000000001")),
        ("Date", "2024-02-30"),
        ("Uuid", "no"),
        ("Json", b"a"),
        ("Boolean", 1),
        ("Text", (1, 2)),
    ],
)
def test_what_does_not_fit_is_told_with_its_field(kind: str, value: Any) -> None:
    """The author learns the field and the reason, not the driver's words in the middle of a run."""
    why = a_fitting(kind).misfit({"x": value})
    assert why is not None
    assert "a value of x" in why


def test_an_empty_value_does_not_fit_a_field_that_is_never_empty() -> None:
    """The column would refuse it after thousands of others were written."""
    assert a_fitting("Text", nullable=False).misfit({"x": None}) is not None


def test_a_database_without_declared_fields_holds_less_of_numbers_and_moments() -> None:
    """There a moment ends with milliseconds and a decimal after 34 digits, whatever the field was seen to hold."""
    loose = a_fitting("Text", declared=False)
    assert loose.misfit({"x": 5}) is None
    assert loose.misfit({"x": MICROSECOND}) is not None
    assert loose.misfit({"x": [{"a": Decimal("1" * 35)}]}) is not None
    assert loose.misfit({"x": 2**63}) is not None
