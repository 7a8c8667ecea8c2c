"""The same index on another field, and what stands in for a unique one meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.backends.mongo.schema import index_documents


def test_an_index_moves_with_all_its_parts() -> None:
    """Keys below the field, its partial filter and its order among the keys follow; other fields stay."""
    definition: dict[str, Any] = {
        "key": {"old.x": 1, "older": -1, "old": 1},
        "name": "mine",
        "unique": True,
        "partialFilterExpression": {"$and": [{"old": {"$exists": True}}, {"b": 1}]},
    }

    moved = index_documents.on_field(definition, "old", "new", "other")

    assert list(moved["key"]) == ["new.x", "older", "new"]
    assert moved["partialFilterExpression"] == {"$and": [{"new": {"$exists": True}}, {"b": 1}]}
    assert (moved["name"], moved["unique"]) == ("other", True)
    assert index_documents.on_field(moved, "new", "old", "mine") == definition


def test_an_index_named_by_the_driver_keeps_the_pattern_of_its_name() -> None:
    """`a_1` on another field would be a lie; a name of the author's own gets a suffix."""
    assert (
        index_documents.moved_name("old_1_b_-1", {"key": {"old": 1, "b": -1}}, "old", "new") == "new_1_b_-1"
    )
    assert index_documents.moved_name("mine", {"key": {"old": 1}}, "old", "new") == "mine_on_new"


@pytest.mark.parametrize(
    ("definition", "minds"),
    [
        ({"key": {"f": 1}}, False),
        ({"key": {"f": 1}, "unique": True}, True),
        ({"key": {"f": 1}, "unique": True, "sparse": True}, False),
        ({"key": {"f": 1, "g": 1}, "unique": True, "sparse": True}, True),
        ({"key": {"f": 1}, "unique": True, "partialFilterExpression": {"f": {"$exists": True}}}, False),
        ({"key": {"f": 1}, "unique": True, "partialFilterExpression": {"f": {"$exists": False}}}, True),
        ({"key": {"f": 1}, "unique": True, "partialFilterExpression": {"g": {"$exists": True}}}, True),
    ],
)
def test_which_unique_indexes_count_missing_as_a_value(definition: dict[str, Any], minds: bool) -> None:
    """Such an index would refuse the second document that loses the field."""
    assert index_documents.minds_missing(definition, "f") is minds
