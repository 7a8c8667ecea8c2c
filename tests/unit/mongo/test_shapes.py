"""The fast walk: it agrees with the plain one, whatever documents it has seen before."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skill_server.backends.mongo.documents.bson_walk import Malformed, fields
from skill_server.backends.mongo.documents.shapes import CARRY, DIGEST_BYTES, Shape, Shapes
from tests.support.bson_documents import DEPRECATED, DOCUMENTS, IMPOSSIBLE, document_of

Found = list[tuple[bytes, bytes]]


def plain(document: bytes) -> Found | None:
    """Return head and typed value of each field as the plain walk finds them, or None where it is not BSON."""
    try:
        found = list(fields(document))
    except Malformed:
        return None
    return [(bytes((kind,)) + name + b"\x00", bytes((kind,)) + value) for name, kind, value in found]


def fast(shapes: Shapes, document: bytes) -> Found | None:
    """Return the same as the fast walk finds it."""
    try:
        path, values = shapes.walk(document)
    except Malformed:
        return None
    return list(zip(path.heads(), values, strict=True))


@given(st.lists(DOCUMENTS, min_size=1, max_size=4), st.data())
def test_the_walk_finds_what_the_plain_one_finds(several: list[dict[str, Any]], data: st.DataObject) -> None:
    """Shapes come, change and come again, and no document is taken for one of another shape."""
    raw = [bson.encode(document) for document in several]
    shapes = Shapes()

    for document in data.draw(st.lists(st.sampled_from(raw), min_size=1, max_size=8)):
        assert fast(shapes, document) == plain(document)


@given(DOCUMENTS, st.data())
def test_a_changed_byte_is_seen_where_everything_else_is_as_before(
    document: dict[str, Any], data: st.DataObject
) -> None:
    """What was likely must not hide what is there."""
    raw = bson.encode(document)
    place = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:place] + bytes((data.draw(st.integers(0, 255)),)) + raw[place + 1 :]
    shapes = Shapes()
    fast(shapes, raw)

    assert fast(shapes, changed) == plain(changed)
    assert fast(shapes, raw) == plain(raw)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_random_bytes_are_malformed_exactly_where_the_plain_walk_says_so(first: bytes, second: bytes) -> None:
    """No input may lead outside of the bytes that are there."""
    shapes = Shapes()

    for noise in (first, second, first):
        assert fast(shapes, document_of(noise)) == plain(document_of(noise))


@pytest.mark.parametrize(("elements", "fact"), IMPOSSIBLE)
def test_an_impossible_value_is_named(elements: bytes, fact: str) -> None:
    """A reader of the message must know what is wrong with the bytes, also where the field was likely."""
    shapes = Shapes()

    for _ in range(2):
        with pytest.raises(Malformed, match=fact):
            shapes.walk(document_of(elements))


@pytest.mark.parametrize("kind", [0x01, 0x06, 0x07, 0x08, 0x0A, 0x02, 0x03, 0x05, 0x0B, 0x0C])
def test_a_likely_head_that_ends_in_the_closing_byte_is_no_field(kind: int) -> None:
    """The zero byte of the document must not be taken for that of a name."""
    whole = document_of(b"\x0aa\x00" + bytes((kind,)) + b"b\x00" + bytes(20))
    cut = document_of(b"\x0aa\x00" + bytes((kind,)) + b"b")
    shapes = Shapes()
    fast(shapes, whole)

    with pytest.raises(Malformed):
        shapes.walk(cut)


@pytest.mark.parametrize("name", DEPRECATED)
def test_deprecated_types_are_walked_over(name: str) -> None:
    """Old databases still hold them."""
    kind, value = DEPRECATED[name]
    raw = document_of(bytes((kind,)) + b"old\x00" + value + b"\x08b\x00\x01")

    assert fast(Shapes(), raw) == plain(raw) is not None


def test_sums_carry_into_no_neighbour() -> None:
    """The largest digests, added very often, must leave the field beside them alone."""
    shape = Shape([b"\x0aa\x00", b"\x0ab\x00"])
    largest, one = b"\xff" * DIGEST_BYTES, (1).to_bytes(DIGEST_BYTES, "little")
    shape.add([largest, one, largest])
    shape.total *= 2 ** (8 * len(CARRY)) - 1

    times = 2 ** (8 * len(CARRY)) - 1
    top = 2 ** (8 * DIGEST_BYTES) - 1
    assert list(shape.sums()) == [times * top, times, times * top]


def test_what_is_forgotten_is_given_back_once() -> None:
    """Documents that all have names of their own are brought together again and again, and none counts twice."""
    shapes = Shapes()
    path, _ = shapes.walk(bson.encode({"a": 1, "b": 2}))
    shape = shapes.shape(path)

    assert shapes.held > 0
    assert shapes.forget() == [shape]
    assert (shapes.forget(), shapes.held) == ([], 0)
