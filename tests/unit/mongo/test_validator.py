"""Edits of validators: exact, repeatable, and refused where their meaning cannot be derived."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.backends.mongo.documents import validator
from skill_server.errors import Refused

RULES: dict[str, Any] = {
    "$jsonSchema": {
        "required": ["a", "b"],
        "additionalProperties": False,
        "properties": {"_id": {}, "a": {"bsonType": "string"}, "b": {}},
    }
}


def test_a_described_field_comes_back_at_its_place() -> None:
    """The way back must give the same validator, the order of its parts included."""
    without = validator.described(RULES, "a", None)
    assert validator.names(without, "a") is False

    back = validator.described(without, "a", {"bsonType": "string"}, place=1, required=True, required_place=0)

    assert back == RULES
    assert list(validator.properties_of(back)) == ["_id", "a", "b"]
    assert validator.required_of(back) == ["a", "b"]


def test_describing_a_field_twice_is_describing_it_once() -> None:
    """A step that is run again after a crash must not move anything."""
    once = validator.described(RULES, "c", {"bsonType": "int"})
    assert validator.described(once, "c", {"bsonType": "int"}) == once
    assert list(validator.properties_of(once)) == ["_id", "a", "b", "c"]


def test_an_empty_list_of_required_fields_disappears() -> None:
    """MongoDB refuses `required: []`."""
    rules: dict[str, Any] = {"$jsonSchema": {"required": ["a"], "properties": {"a": {}}}}
    assert validator.described(rules, "a", {}) == {"$jsonSchema": {"properties": {"a": {}}}}


@pytest.mark.parametrize(
    "rules",
    [
        {"$jsonSchema": {"anyOf": [{"required": ["a"]}]}},
        {"$jsonSchema": {"dependencies": {"a": ["b"]}}},
        {"$jsonSchema": {"patternProperties": {"^x": {}}}},
        {"$jsonSchema": {"maxProperties": {"$numberInt": "3"}}},
        {"a": {"$type": "string"}},
        {"$expr": {"$gt": ["$a.b", "$c"]}},
        {"$and": [{"a.b": 1}]},
    ],
)
def test_a_field_named_elsewhere_is_refused(rules: dict[str, Any]) -> None:
    """A rule that cannot be rewritten with certainty must not be left pointing at nothing."""
    with pytest.raises(Refused) as refusal:
        validator.require_editable(rules, "a", "item")
    assert refusal.value.code == "validator-not-understood"


def test_a_validator_that_only_lists_the_field_is_accepted() -> None:
    """The common validator must not be refused by the guard above."""
    validator.require_editable(RULES, "a", "item")
    validator.require_editable(None, "a", "item")
    validator.require_editable({"$jsonSchema": {"anyOf": [{"required": ["ab"]}]}}, "a", "item")
