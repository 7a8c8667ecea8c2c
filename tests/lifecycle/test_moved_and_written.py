"""Values that a change moved elsewhere and somebody wrote to there find their way back."""

from __future__ import annotations

import json
from typing import Any

from skill_server import changes
from skill_server.model.change import Change
from tests.golden.plans import HERE
from tests.lifecycle.world import World


def of_golden(name: str) -> Change:
    """Return the change of a golden folder."""
    change: dict[str, Any] = json.loads((HERE / name / "change.json").read_text())
    return changes.build(change.pop("kind"), **change)


async def test_parts_that_were_written_are_joined_and_the_others_come_back_as_they_were(world: World) -> None:
    """A new record has no old text, and one that was edited has a newer one."""
    plan = await world.up(of_golden("split_field"))
    await world.execute(
        """UPDATE owners SET last_name = 'Ärmel' WHERE "OwnerID" = 1""",
        """INSERT INTO owners ("OwnerID", first_name, last_name) VALUES (9, 'new', NULL)""",
    )
    owner = world.mongodb["owner"]
    await owner.update_one({"OwnerID": 1}, {"$set": {"last_name": "Ärmel"}})
    await owner.insert_one({"_id": 9, "OwnerID": 9, "first_name": "new"})
    await world.down(plan)

    expected = {1: "owner Ärmel", 2: "owner 2", 3: "owner 3", 9: "new"}
    found = await world.value('SELECT json_object_agg("OwnerID", "Name") FROM owners')
    assert {int(key): name for key, name in json.loads(found).items()} == expected
    assert {each["OwnerID"]: each["Name"] async for each in owner.find()} == expected
    assert not [each async for each in owner.find({"first_name": {"$exists": True}})]


async def test_several_links_are_listed_before_the_one_reference_comes_back(world: World) -> None:
    """A field holds one value; which one is for a person to decide."""
    plan = await world.up(of_golden("make_many_to_many"))
    await world.execute("INSERT INTO item_owners VALUES (1, 3)")
    await world.mongodb["item_owners"].insert_one({"ItemID": 1, "OwnerID": 3})

    listed = await world.in_the_way_back(plan)

    assert len(listed) == 2
    assert all("several links" in line for line in listed)


async def test_an_object_that_was_edited_in_its_array_goes_back_to_its_record(world: World) -> None:
    """The entity was only hidden, but its newest values are in the arrays."""
    plan = await world.up(of_golden("embed_entity"))
    await world.execute(
        """UPDATE owners SET badges_worn = jsonb_set(badges_worn, '{1,Words}', '"second"') WHERE "OwnerID" = 1"""
    )
    await world.mongodb["owner"].update_one({"OwnerID": 1}, {"$set": {"badges_worn.1.Words": "second"}})
    await world.down(plan)

    expected = {101: "first ☃", 102: "second", 103: ""}
    found = await world.value('SELECT json_object_agg("BadgeID", "Words") FROM badges')
    assert {int(key): words for key, words in json.loads(found).items()} == expected
    assert {each["BadgeID"]: each["Words"] async for each in world.mongodb["badges"].find()} == expected
