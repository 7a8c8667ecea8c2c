"""Values that no stand-in stores: what MongoDB may hold from older days, and what it cannot hold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from bson import Int64

from skill_server.backends.mongo.documents import raw
from skill_server.backends.mongo.documents.plain_values import Unreadable, Unwritable, plain, shape, stored
from skill_server.backends.records import Native

ODD = {
    "symbol": raw.Value(0x0E, b"\x02\x00\x00\x00s\x00"),
    "undefined": raw.Value(0x06, b""),
    "beyond_the_year_9999": raw.Value(0x09, (2**60).to_bytes(8, "little")),
}


@pytest.mark.parametrize("name", ODD)
def test_what_the_driver_would_change_keeps_its_bytes(name: str) -> None:
    """The driver reads a symbol as text and `undefined` as null, and would write them so."""
    value = plain(ODD[name])
    assert isinstance(value, Native)
    assert stored(value) == ODD[name]


def test_text_that_is_not_utf8_and_a_name_twice_are_unreadable() -> None:
    """A guess would be written back in the place of what is there."""
    twice = raw.Value(0x03, b"\x0b\x00\x00\x00\x0aa\x00\x0aa\x00\x00")
    for value in (raw.Value(0x02, b"\x02\x00\x00\x00\xff\x00"), twice):
        with pytest.raises(Unreadable):
            plain(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, Decimal("1." + "1" * 34), object()])
def test_what_does_not_fit_is_unwritable(value: object) -> None:
    """Rounding is a loss, however small."""
    with pytest.raises(Unwritable):
        stored(value)


def test_a_long_stays_a_long_and_the_largest_is_written_at_once() -> None:
    """Asking a range for a subclass of int walks through all of its members."""
    assert stored(Int64(2**63 - 1)) == raw.encoded(Int64(2**63 - 1))
    assert stored(Int64(5)) != stored(5)
    assert stored(2**31) == raw.encoded(Int64(2**31))


def test_shapes_tell_apart_what_equality_does_not() -> None:
    """A record that holds 1.0 where 1 was read has been written to."""
    assert len({repr(shape(value)) for value in (1, 1.0, True, Decimal(1), "1", b"1")}) == 6
    assert shape(float("nan")) == shape(float("nan"))
    assert shape(-0.0) != shape(0.0)
