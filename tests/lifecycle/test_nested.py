"""A column on one side is a member of an embedded document on the other: one migration changes both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from skill_server.changes.add_check import AddCheck
from skill_server.changes.add_field import AddField
from skill_server.changes.add_index import AddIndex
from skill_server.changes.drop_field import DropField
from skill_server.changes.rename_field import RenameField
from skill_server.changes.retype_field import RetypeField
from skill_server.model import content
from skill_server.model.change import Change
from skill_server.model.ids import BackendKind
from skill_server.model.logical import parse
from skill_server.model.names import EntityNames, NameMap
from tests.lifecycle.world import World, a_world

PATHS = {"id": "_id", "city": "address.city", "town": "address.town", "floor": "address.home.floor"}
NAMES = NameMap(
    entities={
        "people": EntityNames(
            postgres="people",
            mongodb="people",
            fields={name: {BackendKind.MONGODB: path} for name, path in PATHS.items()},
        )
    }
)
DOCUMENTS: list[dict[str, Any]] = [
    {"_id": 1, "address": {"city": "Ulm", "zip": "1", "home": {"floor": "3"}}},
    {"_id": 2, "address": {"zip": "2", "city": "Bonn"}, "end": 1},
    {"_id": 3},
]
CHANGES: dict[str, Change] = {
    "add_field": AddField(entity="people", field="town", type=parse("Text"), default="none"),
    "rename_field": RenameField(entity="people", field="city", to="town"),
    "drop_field": DropField(entity="people", field="city"),
    "retype_field": RetypeField(entity="people", field="floor", was=parse("Text"), to=parse("Integer")),
    "add_check": AddCheck(entity="people", name="long", field="city", min_length=2),
    "add_index": AddIndex(entity="people", name="by_city", fields=("city",)),
}


@pytest_asyncio.fixture(loop_scope="session")
async def people(postgres_database: str, mongo_database: str) -> AsyncIterator[World]:
    """The same people in both databases."""
    async with a_world(postgres_database, mongo_database, NAMES) as made:
        await made.execute(
            "CREATE TABLE people (id integer PRIMARY KEY, city text, floor text)",
            "INSERT INTO people VALUES (1, 'Ulm', '3'), (2, 'Bonn', NULL), (3, NULL, NULL)",
        )
        await made.mongodb["people"].insert_many(DOCUMENTS)
        yield made


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_of_a_nested_field_leaves_no_trace_after_its_undoing(people: World, name: str) -> None:
    """The plan is one, and so is the promise, wherever a field lies."""
    before = await people.state()
    plan = await people.up(CHANGES[name])
    up = await people.state()
    assert up != before
    await people.down(plan)
    assert await people.state() == before
    await people.applied(plan)
    assert await people.state() == up


async def test_both_databases_show_the_same_field(people: World) -> None:
    """After a rename the column and the member go by one new name."""
    await people.up(CHANGES["rename_field"])
    for snapshot in (await people.pair.inspect()).values():
        entity = snapshot.entity("people")
        assert entity is not None
        assert entity.field("town") is not None
        assert entity.field("city") is None
    found = await people.mongodb["people"].find_one({"_id": 1})
    assert found is not None
    assert list(found["address"]) == ["town", "zip", "home"]


@pytest.mark.parametrize("name", CHANGES)
async def test_the_check_of_untouched_content_sees_the_field_and_nothing_beside_it(
    people: World, name: str
) -> None:
    """A verification that takes the whole embedded document for changed would refuse every such upgrade."""
    before = await people.pair.checksums()
    plan = await people.up(CHANGES[name])
    after = await people.pair.checksums()
    assert content.compare(before, after, touched=frozenset(plan.touched)) == ()

    await people.mongodb["people"].update_one({"_id": 1}, {"$set": {"address.zip": "lost"}})
    spoilt = await people.pair.checksums()
    assert content.compare(before, spoilt, touched=frozenset(plan.touched)) != ()
