"""Rules for fields inside embedded documents stand where the validator describes these documents."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import WriteError

from skill_server.errors import Refused
from skill_server.model.action import Action, AddConstraint, CheckSpec, RetireConstraint, SetNullable
from skill_server.model.rule import Rule
from tests.contract.mongo.test_nested import DOCUMENTS, SCHEMA, here
from tests.contract.mongo.undo import Place

__all__ = ["here"]

LONG_NAMES = CheckSpec(field="city", rule=Rule(min_length=2))
RULED: dict[str, Any] = {
    "required": ["address"],
    "properties": {
        "address": {
            "bsonType": "object",
            "properties": {
                "zip": {"bsonType": "string"},
                "city": {"bsonType": ["string", "null"], "maxLength": 40, "pattern": "^[A-Z]"},
            },
        }
    },
}
PLAIN: dict[str, Any] = {"properties": {"_id": {}, "name": {"bsonType": "string"}}}
CASES: dict[str, tuple[Action, dict[str, Any] | None]] = {
    "check_without_validator": (AddConstraint(entity="item", name="long", spec=LONG_NAMES), None),
    "check_beside_others": (AddConstraint(entity="item", name="long", spec=LONG_NAMES), PLAIN),
    "check_described": (AddConstraint(entity="item", name="long", spec=LONG_NAMES), SCHEMA),
    "check_dropped": (RetireConstraint(entity="item", name="city", field="city", of="check"), RULED),
    "nullable": (SetNullable(entity="item", field="city", nullable=True), RULED | {"required": ["address"]}),
    "required": (SetNullable(entity="item", field="city", nullable=False), RULED),
}


async def fill(here: Place, schema: dict[str, Any] | None) -> None:
    """Make the collection with documents that follow every rule."""
    options: dict[str, Any] = {} if schema is None else {"validator": {"$jsonSchema": schema}}
    await here.database.create_collection("item", **options)
    documents = [{"_id": 1, "address": {"city": "Ulm"}}, {"_id": 2, "address": {"zip": "2", "city": "Bonn"}}]
    await here.database["item"].insert_many(documents)


@pytest.mark.parametrize("name", CASES)
async def test_a_nested_rule_goes_up_and_down_without_a_trace(here: Place, name: str) -> None:
    """A validator is part of the schema, down to the order of its words."""
    action, schema = CASES[name]
    await fill(here, schema)
    before = await here.content()
    pieces = await here.pieces(action)
    await here.up(action, pieces)
    assert (await here.content() == before) == (name == "nullable")
    await here.down(action, pieces)
    assert await here.content() == before


@pytest.mark.parametrize("name", ["check_without_validator", "check_beside_others", "check_described"])
async def test_a_nested_rule_refuses_the_values_it_speaks_of(here: Place, name: str) -> None:
    """A rule at the wrong place of a validator refuses nothing, and nobody notices."""
    action, schema = CASES[name]
    await fill(here, schema)
    await here.up(action, await here.pieces(action))
    with pytest.raises(WriteError, match="validation"):
        await here.database["item"].insert_one({"address": {"city": "U"}})
    await here.database["item"].insert_many([{"address": {"city": "Uz"}}, {"address": {}}, {}])


async def test_a_required_nested_field_may_be_missing_nowhere(here: Place) -> None:
    """Inside a document that is required, the validator asks for the field as well."""
    action, schema = CASES["required"]
    await fill(here, schema)
    await here.up(action, await here.pieces(action))
    refused: list[dict[str, Any]] = [{}, {"address": {}}, {"address": {"city": None}}]
    for wrong in refused:
        with pytest.raises(WriteError, match="validation"):
            await here.database["item"].insert_one(wrong)


async def test_documents_that_break_a_nested_rule_are_listed_before(here: Place) -> None:
    """The question has to look where the rule will."""
    await fill(here, None)
    await here.database["item"].insert_many([*DOCUMENTS[2:5], {"_id": 9, "address": {"city": "U"}}][1:])
    pieces = await here.pieces(CASES["check_without_validator"][0])
    found = [await here.backend.probe(probe) for piece in pieces for probe in piece.up.before]
    assert [(result.count, result.keys) for result in found] == [(1, ("9",))]


async def test_a_field_of_a_document_that_may_be_missing_is_not_required(here: Place) -> None:
    """MongoDB's validator would let the whole embedded document be missing, and the field with it."""
    await fill(here, SCHEMA)
    with pytest.raises(Refused) as refusal:
        await here.pieces(CASES["required"][0])
    assert refusal.value.code == "parent-not-required"
