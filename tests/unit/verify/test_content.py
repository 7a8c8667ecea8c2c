"""Content comparison names every difference and forgives only what a plan was meant to change."""

from skill_server.model import content
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Checksums, FieldChecksums


def sums(records: int = 2, **fields: str) -> dict[BackendKind, Checksums]:
    """Return the same checksums for both databases."""
    entity = FieldChecksums(records=records, fields=fields)
    return dict.fromkeys(BackendKind, Checksums(entities={"items": entity}))


def test_equal_content_has_no_differences() -> None:
    """The usual case."""
    assert content.compare(sums(a="1", b="2"), sums(a="1", b="2")) == ()


def test_a_changed_field_is_named_on_each_database() -> None:
    """The reader learns where to look."""
    found = content.compare(sums(a="1"), sums(a="2"))
    assert [str(item) for item in found] == [f"{kind} items.a: content differs" for kind in BackendKind]


def test_a_lost_record_is_found_even_where_the_sums_agree() -> None:
    """Counts are compared on their own."""
    assert "holds 1 records instead of 2" in str(content.compare(sums(2, a="1"), sums(1, a="1"))[0])


def test_only_the_touched_field_is_forgiven() -> None:
    """A change of one field excuses no other."""
    found = content.compare(sums(a="1", b="2"), sums(a="9", b="9"), touched=frozenset({"items.a"}))
    assert {item.field for item in found} == {"b"}


def test_a_missing_and_a_new_entity_are_differences() -> None:
    """Neither can be explained by a change of a field."""
    empty = dict.fromkeys(BackendKind, Checksums(entities={}))
    assert {item.what for item in content.compare(sums(a="1"), empty)} == {"is missing"}
    assert {item.what for item in content.compare(empty, sums(a="1"))} == {"is new"}
