"""The sums of documents that have no key: a multiset, in which nothing cancels out."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skill_server.backends.mongo.documents import bson_walk, paths, raw
from skill_server.backends.mongo.documents.shapes import Shape, Shapes
from skill_server.backends.mongo.verify import checksum
from skill_server.backends.mongo.verify.checksum import DIGEST_BYTES, MODULUS, ORDER, Tally
from skill_server.model.names import NameMap
from skill_server.model.receipt import FieldChecksums
from tests.support.bson_documents import DOCUMENTS as ANY_DOCUMENTS

DOCUMENTS = st.lists(st.dictionaries(st.text("ab", max_size=2), st.integers(0, 1), max_size=3), max_size=6)


def sums(raw: list[bytes], nested: tuple[str, ...] = ()) -> FieldChecksums:
    """Return the sums of raw documents."""
    tally = Tally(nested)
    tally.add_batch(b"".join(raw))
    return tally.result("items", NameMap())


def plain_sums(documents: list[bytes], nested: tuple[str, ...] = ()) -> FieldChecksums:
    """Return the sums as they are defined, one hash after the other."""
    found: dict[str, int] = {ORDER: 0} if documents else {}

    def add(name: str, content: bytes) -> None:
        digest = blake2b(content, digest_size=DIGEST_BYTES).digest()
        found[name] = (found.get(name, 0) + int.from_bytes(digest, "little")) % MODULUS

    for document in documents:
        every = list(bson_walk.fields(document))
        names = [name for name, _, _ in every]
        key = next((bytes((kind,)) + value for name, kind, value in every if name == b"_id"), b"\x00")
        for name, kind, value in bson_walk.fields(paths.without(document, nested)):
            add(name.decode(), key + bytes((kind,)) + value)
        places: list[bytes] = []
        for path in nested:
            if (held := raw.find(document, path)) is not None:
                add(path, key + bytes((held.value.kind,)) + held.value.data)
                places.append(f"{path} {held.position}".encode())
        repeated = document if len(set(names)) < len(names) else b""
        add(ORDER, b"\x00".join((key, *names, repeated, *places)))
    texts = {name: f"{total:0{2 * DIGEST_BYTES}x}" for name, total in sorted(found.items())}
    return FieldChecksums(records=len(documents), fields=texts)


@pytest.mark.parametrize("nested", [(), ("a.b", "a.c.d", "_id.a")], ids=["flat", "nested"])
@given(data=st.data())
def test_sums_are_those_of_the_definition(nested: tuple[str, ...], data: st.DataObject) -> None:
    """A receipt of an earlier version must be worth the same, whatever way is the fastest."""
    embedded = st.dictionaries(
        st.sampled_from("abcd"), st.dictionaries(st.sampled_from("abcd"), st.integers(0, 1))
    )
    drawn: list[dict[str, Any]] = data.draw(
        st.lists(
            ANY_DOCUMENTS | st.fixed_dictionaries({}, optional={"_id": embedded, "a": embedded}), max_size=5
        )
    )
    documents = [bson.encode(document) for document in drawn + drawn[:2]]

    assert sums(documents, nested) == plain_sums(documents, nested)


def test_names_without_end_are_summed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents that all have names of their own must not fill the memory, and lose nothing by it."""
    monkeypatch.setattr(checksum, "HELD_FIELDS", 6)
    forget, forgotten = Shapes.forget, list[int]()

    def counted(shapes: Shapes) -> list[Shape]:
        forgotten.append(shapes.held)
        return forget(shapes)

    monkeypatch.setattr(Shapes, "forget", counted)
    documents = [bson.encode({"_id": key, f"name {key % 7}": key, "same": 1}) for key in range(40)]

    assert sums(documents) == plain_sums(documents)
    assert len(forgotten) > 10
    assert max(forgotten) < 6 + 2 * len(documents[0])


def test_a_name_that_comes_twice_is_summed_as_defined() -> None:
    """Its values share a sum, and the whole document goes into the order."""
    twice = b"\x10_id\x00\x01\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x10a\x00\x02\x00\x00\x00"
    document = (len(twice) + 5).to_bytes(4, "little") + twice + b"\x00"

    assert sums([document] * 2) == plain_sums([document] * 2)


@given(DOCUMENTS, DOCUMENTS)
def test_sums_are_equal_exactly_when_the_documents_are(
    first: list[dict[str, int]], second: list[dict[str, int]]
) -> None:
    """Documents without `_id` count as often as they are there, in any order, with their order of fields."""
    one, other = [bson.encode(item) for item in first], [bson.encode(item) for item in second]

    assert (sums(one) == sums(other)) == (_values(one) == _values(other))
    assert sums(one) == sums(one[::-1])


def _values(raw: list[bytes]) -> tuple[list[tuple[str, ...]], list[tuple[str, int]]]:
    # Without a key nothing says which values belong together, so the sums cannot say it either.
    documents: list[dict[str, int]] = [
        bson.decode(item)  # pyright: ignore[reportUnknownMemberType]
        for item in raw
    ]
    return sorted(tuple(item) for item in documents), sorted(
        pair for item in documents for pair in item.items()
    )


def test_two_lost_documents_that_are_equal_do_not_cancel_out() -> None:
    """An exclusive or in place of a sum would not see them go."""
    document = bson.encode({"a": 1})

    assert sums([document] * 3).fields["a"] != sums([document]).fields["a"]


def test_values_of_one_name_that_change_places_are_noticed() -> None:
    """BSON allows a name twice, and some drivers write it."""
    head = b"\x10_id\x00\x01\x00\x00\x00"
    one, two = b"\x10a\x00\x01\x00\x00\x00", b"\x10a\x00\x02\x00\x00\x00"

    def document(*parts: bytes) -> bytes:
        body = b"".join(parts)
        return (len(body) + 5).to_bytes(4, "little") + body + b"\x00"

    assert sums([document(head, one, two)]) != sums([document(head, two, one)])
