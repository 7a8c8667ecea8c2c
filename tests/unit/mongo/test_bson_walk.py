"""The walker over raw BSON: it agrees with the driver's decoder and refuses what is not BSON."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given
from hypothesis import strategies as st

from skill_server.backends.mongo.bson_walk import Malformed, documents, fields

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


def document_of(elements: bytes) -> bytes:
    """Return a document around spelled-out elements."""
    return (len(elements) + 5).to_bytes(4, "little") + elements + b"\x00"


@given(DOCUMENTS)
def test_every_field_is_found_with_its_very_bytes(document: dict[str, Any]) -> None:
    """A document put together again from what was found must be the document."""
    raw = bson.encode(document)

    found = list(fields(raw))

    decoded = list(bson.decode(raw))  # pyright: ignore[reportUnknownMemberType]
    assert [name.decode() for name, _, _ in found] == decoded
    spelled = b"".join(bytes((kind,)) + name + b"\x00" + value for name, kind, value in found)
    assert document_of(spelled) == raw


@given(st.lists(DOCUMENTS, max_size=5))
def test_a_concatenation_is_cut_where_documents_end(several: list[dict[str, Any]]) -> None:
    """A batch of the server and a dump file are nothing but documents one after the other."""
    raw = [bson.encode(document) for document in several]

    assert list(documents(b"".join(raw))) == raw


@given(DOCUMENTS, st.data())
def test_a_document_that_was_cut_is_never_taken_for_a_whole_one(
    document: dict[str, Any], data: st.DataObject
) -> None:
    """Whatever the place of the cut, the end must be noticed."""
    raw = bson.encode(document)
    cut = raw[: data.draw(st.integers(1, len(raw) - 1))]

    with pytest.raises(Malformed):
        list(documents(cut))
    with pytest.raises(Malformed):
        list(fields(cut))


@given(st.binary(max_size=60))
def test_random_bytes_end_in_malformed_or_in_fields_and_nothing_else(noise: bytes) -> None:
    """No input may lead outside of the bytes that are there."""
    raw = document_of(noise)
    try:
        found = list(fields(raw))
    except Malformed:
        return
    assert document_of(b"".join(bytes((kind,)) + n + b"\x00" + v for n, kind, v in found)) == raw


@pytest.mark.parametrize("name", DEPRECATED)
def test_deprecated_types_are_walked_over(name: str) -> None:
    """Old databases still hold them, and a dump must not stop there."""
    kind, value = DEPRECATED[name]
    raw = document_of(bytes((kind,)) + b"old\x00" + value + b"\x08b\x00\x01")

    assert list(fields(raw)) == [(b"old", kind, value), (b"b", 0x08, b"\x01")]


@pytest.mark.parametrize(
    ("elements", "fact"),
    [
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
        (b"\x0ba\x00x\x00y", "no end"),
    ],
)
def test_an_impossible_value_is_named(elements: bytes, fact: str) -> None:
    """A reader of the message must know what is wrong with the bytes."""
    with pytest.raises(Malformed, match=fact):
        list(fields(document_of(elements)))


@pytest.mark.parametrize(
    "raw",
    [b"\x04\x00\x00\x00\x00", b"\xff\xff\xff\x7f\x00", b"\x05\x00\x00", b"\x00" * 5],
)
def test_an_impossible_length_of_a_document_is_refused(raw: bytes) -> None:
    """A length from a damaged file must not lead to a giant read."""
    with pytest.raises(Malformed):
        list(documents(raw))
