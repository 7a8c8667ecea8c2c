"""Values that a change moved elsewhere and somebody wrote to there find their way back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skill_server import changes
from skill_server.model.change import Change
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Plan
from skill_server.run import saga
from skill_server.run.saga import Ending
from tests.golden.plans import HERE
from tests.lifecycle.world import World

FIRST = {"BadgeID": 101, "Words": "first ☃"}
SECOND = {"BadgeID": 102, "Words": "second badge"}


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


async def refused_back(world: World, plan: Plan) -> str:
    """Run the way back, which stops and leaves everything as it is, and return what it lists."""
    before = await world.state()
    back = await world.back(plan)
    report = await world.run(back)
    assert report.ending is Ending.ROLLED_BACK
    assert report.code == "records-in-the-way"
    assert await world.state() == before
    await saga.forget(world.pair, back)
    return report.problem or ""


@pytest.mark.parametrize(
    ("kind", "objects", "listed"),
    [
        ("postgres", [FIRST, SECOND, {"BadgeID": 777, "Words": "PRECIOUS"}], "that no record of badges is"),
        ("mongodb", [FIRST, SECOND, {"BadgeID": 777, "Words": "PRECIOUS"}], "that no record of badges is"),
        ("postgres", [FIRST], "no longer hold objects in badges_worn that are records of badges"),
        ("mongodb", [FIRST], "no longer hold objects in badges_worn that are records of badges"),
        ("postgres", [FIRST, SECOND, {"BadgeID": 102, "Words": "twin"}], "that no record of badges is"),
        ("mongodb", [FIRST, SECOND, {"Words": "without a key"}], "that no record of badges is"),
        ("postgres", [FIRST, {**SECOND, "Colour": "red"}], "with members that do not go back to badges"),
        ("mongodb", ["text"], "something else than a list of objects in badges_worn"),
    ],
)
async def test_objects_that_are_no_longer_the_records_are_listed_on_the_way_back(
    world: World, kind: str, objects: list[object], listed: str
) -> None:
    """What nobody can take back would be lost with the arrays, and what was taken out would come back unasked."""
    plan = await world.up(of_golden("embed_entity"))
    await worn(world, kind, objects)

    problem = await refused_back(world, plan)

    assert f"{kind}: 1 records of owners" in problem
    assert listed in problem
    assert "(first keys: 1)" in problem
    await worn(world, kind, [FIRST, SECOND])
    await world.down(plan)
    assert await world.value("SELECT count(*) FROM badges") == 3
    assert await world.mongodb["badges"].count_documents({}) == 3


async def worn(world: World, kind: str, objects: list[object]) -> None:
    """Let the application write one owner's array."""
    if kind == BackendKind.POSTGRES:
        text = json.dumps(objects)
        await world.execute(f"""UPDATE owners SET badges_worn = '{text}' WHERE "OwnerID" = 1""")
    else:
        await world.mongodb["owner"].update_one({"OwnerID": 1}, {"$set": {"badges_worn": objects}})


async def test_moved_values_that_no_record_can_take_back_are_listed(world: World) -> None:
    """A value written to a record that nothing points to has nowhere to go; one that was only left there has."""
    plan = await world.up(of_golden("move_fields"))
    await world.execute("""INSERT INTO owners ("OwnerID", "Name", "Weight") VALUES (9, 'new', 1.5)""")
    await world.mongodb["owner"].insert_one({"_id": 9, "OwnerID": 9, "Name": "new", "Weight": 1.5})

    listed = await world.in_the_way_back(plan)

    assert [line.partition(":")[0] for line in listed] == ["mongodb", "postgres"]
    assert all("1 records of owners cannot give Facts, Weight back" in line for line in listed)
    assert all("(first keys: 9)" in line for line in listed)
    await world.execute("""UPDATE owners SET "Weight" = NULL WHERE "OwnerID" = 9""")
    await world.mongodb["owner"].update_one({"OwnerID": 9}, {"$unset": {"Weight": 1}})
    await world.down(plan)


async def test_moved_values_whose_records_were_deleted_hinder_nothing(world: World) -> None:
    """The application deleted the record and its value with it; what the upgrade had copied is no news."""
    plan = await world.up(of_golden("move_fields"))
    await world.execute("DELETE FROM items")
    await world.mongodb["item"].delete_many({})

    assert await world.in_the_way_back(plan) == []
