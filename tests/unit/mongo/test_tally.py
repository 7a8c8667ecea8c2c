"""The sums of documents that have no key: a multiset, in which nothing cancels out."""

from __future__ import annotations

import bson
from hypothesis import given
from hypothesis import strategies as st

from skill_server.backends.mongo.checksum import Tally
from skill_server.model.names import NameMap
from skill_server.model.receipt import FieldChecksums

DOCUMENTS = st.lists(st.dictionaries(st.text("ab", max_size=2), st.integers(0, 1), max_size=3), max_size=6)


def sums(raw: list[bytes]) -> FieldChecksums:
    """Return the sums of raw documents."""
    tally = Tally()
    tally.add_batch(b"".join(raw))
    return tally.result("items", NameMap())


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
