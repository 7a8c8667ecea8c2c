"""The walker over raw BSON: it agrees with the driver's decoder and refuses what is not BSON."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skill_server.backends.mongo.documents.bson_walk import Malformed, documents, fields
from tests.support.bson_documents import DEPRECATED, DOCUMENTS, IMPOSSIBLE, document_of


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


@pytest.mark.parametrize(("elements", "fact"), IMPOSSIBLE)
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
