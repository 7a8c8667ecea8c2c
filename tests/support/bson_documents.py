"""Documents of every BSON type, and documents spelled out by hand, for tests of what reads raw bytes."""

from __future__ import annotations

from typing import Any

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import strategies as st

# One character of each length in UTF-8, and those that mean something in MongoDB or end a name.
NAMES = st.text("aé漢😀 .$_", max_size=10)
TEXTS = st.text("aé漢😀\0", max_size=20)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    TEXTS,
    st.binary(max_size=30),
    st.builds(Binary, st.binary(max_size=9), st.sampled_from([0, 2, 3, 4, 5, 128])),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.binary(min_size=16, max_size=16).map(Decimal128.from_bid),
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    st.builds(Regex[str], st.text("a.*", max_size=5), st.sampled_from([0, 2, 4, 8])),
    st.datetimes(),
    st.sampled_from([MinKey(), MaxKey(), Code("f"), Code("f", {"a": 1}), DBRef("c", 1)]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=6)

# Spelled by hand from the specification, because no driver writes them any more.
DEPRECATED = {
    "undefined": (0x06, b""),
    "pointer": (0x0C, b"\x02\x00\x00\x00c\x00" + bytes(12)),
    "symbol": (0x0E, b"\x02\x00\x00\x00s\x00"),
}

# Elements that no document can have, and what is said about each.
IMPOSSIBLE = [
    (b"\x14a\x00", "no element type"),
    (b"\x08a\x00\x02", "neither 0 nor 1"),
    (b"\x08a\x00", "beyond its document"),
    (b"\x10a", "no end"),
    (b"\x10a\x00\x01\x00", "beyond its document"),
    (b"\x02a\x00\x00\x00\x00\x00", "claims a length of 0"),
    (b"\x02a\x00\xff\xff\xff\x7f", "beyond its document"),
    (b"\x02a\x00\x02\x00\x00\x00bb", "does not end with a zero byte"),
    (b"\x02a\x00\x02\x00", "cut off inside its length"),
    (b"\x03a\x00\x04\x00\x00\x00", "claims a length of 4"),
    (b"\x03a\x00\x05\x00\x00\x00\x01", "does not end with a zero byte"),
    (b"\x05a\x00\xff\xff\xff\xff\x00", "claims a length of -1"),
    (b"\x05a\x00\x09\x00\x00\x00\x00", "beyond its document"),
    (b"\x02a\x00\x00\x00\x00\x00\x0ab\x00", "claims a length of 0"),
    (b"\x03a\x00\x04\x00\x00\x00\x0ab\x00", "claims a length of 4"),
    (b"\x0ba\x00x\x00y", "no end"),
]


def document_of(elements: bytes) -> bytes:
    """Return a document around spelled-out elements."""
    return (len(elements) + 5).to_bytes(4, "little") + elements + b"\x00"
