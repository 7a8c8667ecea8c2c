"""Values that a migration computes, looks up and copies: up, down, written between, interrupted, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.errors import Refused
from skill_server.model.action import Action, CopyRecords, UpdateValues
from skill_server.model.change import Change
from skill_server.model.flow import Assignment, Copy, Expressions, Function, Lookup
from skill_server.model.ids import BackendKind
from skill_server.run import reconcile
from tests.lifecycle.world import World


class Moving(Change):
    """A change of the values alone, as the tests ask for it."""

    kind: str = "moving"
    entity: str = "items"
    actions: tuple[Action, ...]

    def expand(self) -> Any:
        """Return the actions as they were given."""
        return iter(self.actions)

    def inverse(self) -> Change:
        """Return nothing: the plan's own way back is what is tested."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say what it is."""
        return "moves values"


def moving(*actions: Action) -> Moving:
    """Return a change of these actions."""
    return Moving(actions=actions)


def a_function(source: str) -> Function:
    """Return the function that a source defines."""
    return Function(name="compute", source=f"def compute(record):\n    {source}\n")


DESCRIBE = UpdateValues(
    entity="items",
    forward=Assignment(
        writes=("ItemDesc",),
        reads=("ItemName", "Quantity"),
        formula=a_function("return {'ItemDesc': f\"{record['Quantity']} x {record['ItemName']}\"}"),
    ),
    backward=Assignment(
        writes=("ItemName",),
        reads=("ItemDesc",),
        formula=a_function("return {'ItemName': record['ItemDesc'].partition(' x ')[2]}"),
    ),
)
DOUBLE = UpdateValues(
    entity="items",
    forward=Assignment(
        writes=("Cost",),
        reads=("Cost",),
        formula=a_function("return {'Cost': record['Cost'] and record['Cost'] / 2}"),
    ),
)


@pytest.mark.parametrize(
    "action",
    [
        DESCRIBE,
        UpdateValues(
            entity="items",
            forward=Assignment(
                writes=("Quantity",),
                reads=("Quantity",),
                formula=a_function("return {'Quantity': record['Quantity'] // 2}"),
            ),
            backward=Assignment(
                writes=("Quantity",),
                reads=("Quantity",),
                formula=a_function("return {'Quantity': record['Quantity'] * 2}"),
            ),
        ),
        UpdateValues(
            entity="items",
            forward=Assignment(
                writes=("ItemDesc",),
                lookup=Lookup(entity="owners", own="OwnerID", theirs="OwnerID", fields={"Name": "ItemDesc"}),
            ),
        ),
        UpdateValues(
            entity="items",
            forward=Assignment(
                writes=("ItemDesc", "Price"),
                formula=Expressions(
                    postgres={"ItemDesc": 'upper("ItemName")', "Price": '"Quantity"::text'},
                    mongodb={"ItemDesc": {"$toUpper": "$ItemName"}, "Price": {"$toString": "$Quantity"}},
                ),
            ),
        ),
    ],
    ids=["function", "in place", "looked up", "expressions"],
)
async def test_an_update_changes_values_and_gives_every_byte_back(world: World, action: UpdateValues) -> None:
    """Up and down again is as if nothing had been, for every record that nobody wrote to."""
    before = await world.state()
    plan = await world.up(moving(action))
    up = await world.state()
    assert up.records != before.records
    await world.applied(plan)
    assert await world.state() == up
    await world.down(plan)
    assert await world.state() == before


async def _names(world: World, number: int) -> tuple[Any, Any]:
    row = await world.value(f'SELECT "ItemName" FROM items WHERE "ItemID" = {number}')
    found = await world.mongodb["item"].find_one({"ItemID": number})
    return row, None if found is None else found["ItemName"]


async def test_what_was_written_since_goes_back_in_the_words_of_before(world: World) -> None:
    """A new version wrote to the new field; the old one reads the old field, and has to find it there."""
    plan = await world.up(moving(DESCRIBE))
    await world.execute("""UPDATE items SET "ItemDesc" = '3 x chisel' WHERE "ItemID" = 2""")
    await world.mongodb["item"].update_one({"ItemID": 2}, {"$set": {"ItemDesc": "3 x chisel"}})
    others = await _names(world, 3)
    await world.down(plan)
    assert await _names(world, 2) == ("chisel", "chisel")
    assert await _names(world, 3) == others


async def test_a_value_that_comes_from_itself_is_carried_back_once(world: World) -> None:
    """A second pass over a number that is doubled on the way back would double it again."""
    halved = UpdateValues(
        entity="items",
        forward=Assignment(
            writes=("Quantity",),
            reads=("Quantity",),
            formula=a_function("return {'Quantity': record['Quantity'] // 2}"),
        ),
        backward=Assignment(
            writes=("Quantity",),
            reads=("Quantity",),
            formula=a_function("return {'Quantity': record['Quantity'] * 2}"),
        ),
    )
    await world.execute("""UPDATE items SET "Quantity" = 40 WHERE "ItemID" = 1""")
    await world.mongodb["item"].update_one({"ItemID": 1}, {"$set": {"Quantity": 40}})
    plan = await world.up(moving(halved))
    # Carried back it is 20, which is just what the upgrade had written over 40.
    await world.execute("""UPDATE items SET "Quantity" = 10 WHERE "ItemID" = 1""")
    await world.mongodb["item"].update_one({"ItemID": 1}, {"$set": {"Quantity": 10}})
    await world.down(plan)
    assert await world.value('SELECT "Quantity" FROM items WHERE "ItemID" = 1') == 20
    found = await world.mongodb["item"].find_one({"ItemID": 1})
    assert found is not None
    assert found["Quantity"] == 20


async def test_records_that_cannot_be_computed_are_listed_before_anything_is_touched(world: World) -> None:
    """Every reason with its count and keys, and both databases as they were."""
    before = await world.state()
    bad = UpdateValues(
        entity="items",
        forward=Assignment(
            writes=("Quantity",),
            reads=("Price",),
            formula=a_function("return {'Quantity': int(record['Price'])}"),
        ),
    )
    plan = await world.plan(moving(bad))
    with pytest.raises(Refused) as refusal:
        await world.run(plan)
    assert refusal.value.code == "records-in-the-way"
    listed = list(refusal.value.detail["offenders"])
    assert any("postgres: 2 records of items" in line and "ValueError" in line for line in listed), listed
    assert any("mongodb: " in line for line in listed)
    assert await world.state() == before


async def test_a_value_that_does_not_fit_is_listed_with_its_reason(world: World) -> None:
    """A column of 32 characters does not cut what is longer."""
    long = UpdateValues(
        entity="items",
        forward=Assignment(
            writes=("Price",), reads=("Serial",), formula=a_function("return {'Price': record['Serial'] * 9}")
        ),
    )
    with pytest.raises(Refused) as refusal:
        await world.run(await world.plan(moving(long)))
    assert "45 characters" in str(refusal.value)


OWNERS = CopyRecords(
    entity="owners",
    copy_of=Copy(
        entity="items",
        mapping={"OwnerID": "ItemID", "Name": "Serial"},
        key=("OwnerID",),
    ),
)


async def test_a_copy_makes_the_missing_records_and_takes_them_back(world: World) -> None:
    """Records that are there already and differ stand in the way; without them the copy is exact, and undone whole."""
    with pytest.raises(Refused, match="are there already with other values"):
        await world.run(await world.plan(moving(OWNERS)))
    only_new = OWNERS.copy_of.model_copy(
        update={"mapping": {"OwnerID": "ItemID", "Name": "Serial"}, "present": "Price"}
    )
    await world.execute('UPDATE items SET "OwnerID" = NULL', "DELETE FROM owners")
    await world.mongodb["owner"].delete_many({})
    before = await world.state()
    plan = await world.up(moving(CopyRecords(entity="owners", copy_of=only_new)))
    assert await world.value("SELECT count(*) FROM owners") == 6
    assert await world.mongodb["owner"].count_documents({}) == 6
    await world.down(plan)
    assert await world.state() == before


async def test_records_come_over_from_the_other_database_and_are_reconciled(world: World) -> None:
    """The way off the legacy database: what MongoDB alone has gets into PostgreSQL, and the two are compared."""
    await world.mongodb["owner"].insert_many(
        [{"_id": number, "OwnerID": number, "Name": f"größe {number}"} for number in range(10, 20)]
    )
    before = await world.state()
    copy = Copy(
        entity="owners",
        mapping={"OwnerID": "OwnerID", "Name": "Name"},
        key=("OwnerID",),
        database=BackendKind.MONGODB,
    )
    plan = await world.up(moving(CopyRecords(entity="owners", copy_of=copy)))
    assert await world.value("SELECT count(*) FROM owners") == 13
    report = await reconcile.reconcile(world.pair, BackendKind.POSTGRES, "owners", copy, 4)
    assert (report.expected, report.found, report.others, report.differing) == (13, 13, 0, 0)
    assert report.source_hashes == report.target_hashes
    await world.execute("""UPDATE owners SET "Name" = 'other' WHERE "OwnerID" = 11""")
    report = await reconcile.reconcile(world.pair, BackendKind.POSTGRES, "owners", copy, 4)
    assert report.differences == ("11: differs in Name",)
    assert report.source_hashes["Name"] != report.target_hashes["Name"]
    await world.execute("""UPDATE owners SET "Name" = 'größe 11' WHERE "OwnerID" = 11""")
    await world.down(plan)
    assert await world.state() == before
