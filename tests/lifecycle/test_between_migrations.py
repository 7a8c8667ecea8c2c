"""What one migration keeps, met by a later one: finalizing finds it, and going down in order brings all of it back."""

from __future__ import annotations

import pytest

from skill_server import changes
from skill_server.errors import Refused
from skill_server.model.change import Change
from skill_server.model.ids import KEPT_NAME
from tests.lifecycle.catalogue import a_change, a_retype
from tests.lifecycle.world import World

EARLIER, LATER = "20260101_earlier", "20260102_later"
PRICE = a_retype("Price", "String(32)", "Decimal(12,2)")
SPLIT = changes.build(
    "split_field",
    entity="owners",
    field="Name",
    into=[{"name": "first_name", "type": "Text"}, {"name": "last_name", "type": "Text"}],
    separator=" ",
)
PAIRS: dict[str, tuple[Change, Change]] = {
    "hidden-field-of-a-renamed-entity": (
        a_change("drop_field", field="Facts"),
        a_change("rename_entity", to="goods"),
    ),
    "old-type-in-a-renamed-entity": (PRICE, a_change("rename_entity", to="goods")),
    "old-type-in-a-moved-entity": (PRICE, a_change("move_entity", to="stock")),
    "old-type-of-a-renamed-field": (PRICE, a_change("rename_field", field="Price", to="cost_text")),
    "split-in-a-renamed-entity": (
        SPLIT,
        changes.build("rename_entity", entity="owners", to="people"),
    ),
}


async def applied(world: World, change: Change, revision: str) -> None:
    """Plan one migration and carry it out."""
    await world.applied(await world.plan(change, revision=revision))


async def kept(world: World) -> list[str]:
    """Name everything in which either database keeps values."""
    columns = await world.value(
        "SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute "
        "WHERE attname LIKE '\\_retired\\_%' AND NOT attisdropped"
    )
    tables = await world.value(
        "SELECT coalesce(array_agg(relname::text), '{}') FROM pg_class "
        f"WHERE relkind = 'r' AND relnamespace = to_regnamespace('{KEPT_NAME}')"
    )
    names = await world.mongodb.list_collection_names()
    return [*columns, *tables, *(name for name in names if name.startswith(KEPT_NAME))]


@pytest.mark.parametrize(("earlier", "later"), PAIRS.values(), ids=PAIRS.keys())
async def test_what_a_migration_keeps_is_found_after_a_later_one_renamed_or_moved_it(
    world: World, earlier: Change, later: Change
) -> None:
    """Finalizing speaks of the names of its own migration, which nothing has any more."""
    await applied(world, earlier, EARLIER)
    assert await kept(world)
    await applied(world, later, LATER)
    await world.applied(await world.finalizing(earlier, revision=EARLIER))
    assert await kept(world) == []


@pytest.mark.parametrize(("earlier", "later"), PAIRS.values(), ids=PAIRS.keys())
async def test_two_migrations_go_down_in_order_after_the_later_renamed_what_the_earlier_keeps(
    world: World, earlier: Change, later: Change
) -> None:
    """The way back of the earlier one uses its own names, which are there again by then."""
    before = await world.state()
    first = await world.plan(earlier, revision=EARLIER)
    await world.applied(first)
    between = await world.state()
    second = await world.plan(later, revision=LATER)
    await world.applied(second)
    await world.down(second)
    assert await world.state() == between
    await world.down(first)
    assert await world.state() == before


async def test_what_lies_in_an_entity_that_a_later_migration_hid_is_not_said_to_be_deleted(
    world: World,
) -> None:
    """The column went into hiding with its table, where only finalizing that migration reaches it."""
    hiding = a_change("drop_field", field="Facts")
    await applied(world, hiding, EARLIER)
    await applied(world, a_change("drop_entity"), LATER)
    with pytest.raises(Refused, match="a later one hid the whole entity") as refusal:
        await world.finalizing(hiding, revision=EARLIER)
    assert refusal.value.code == "nothing-kept"


async def test_bad_values_stay_when_a_type_is_finalized_that_a_later_migration_changed_again(
    world: World,
) -> None:
    """Which values did not convert is a question about the type of that time, not about the one of today."""
    await world.execute("""UPDATE items SET "Price" = 'free' WHERE "ItemID" = 4""")
    await world.mongodb["item"].update_one({"ItemID": 4}, {"$set": {"Price": "free"}})
    earlier = a_change("retype_field", field="Price", was="String(32)", to="Decimal(12,2)", on_bad="keep")
    await applied(world, earlier, EARLIER)
    await applied(world, a_retype("Price", "Decimal(12,2)", "Text"), LATER)
    await world.applied(await world.finalizing(earlier, revision=EARLIER))
    (table,) = [name for name in await kept(world) if name.startswith("bad_")]
    assert await world.value(f"SELECT array_agg(value::text) FROM {KEPT_NAME}.{table}") == ["free"]
    bad = [
        document["old"]
        for name in await world.mongodb.list_collection_names()
        if name.startswith(KEPT_NAME)
        async for document in world.mongodb[name].find({"bad": {"$exists": True}})
    ]
    assert bad == ["free"]


async def test_values_kept_by_an_old_key_stay_when_the_field_is_added_again_after_the_key_changed(
    world: World,
) -> None:
    """They find no record any more, and whoever wrote them must still be able to look them up."""
    adding = a_change("add_field", field="condition", type="Text")
    first = await world.plan(adding, revision=EARLIER)
    await world.applied(first)
    await world.execute("""UPDATE items SET condition = 'broken' WHERE "ItemID" = 1""")
    await world.down(first)
    (table,) = [name for name in await kept(world) if not name.startswith(KEPT_NAME)]
    retyped = await world.plan(a_retype("ItemID", "Integer", "Text"), revision=LATER)
    await world.applied(retyped)
    again = await world.plan(adding, revision="20260103_again")
    await world.applied(again)
    assert await world.value(f"SELECT array_agg(value) FROM {KEPT_NAME}.{table}") == ["broken"]

    await world.down(again)
    await world.down(retyped)
    await world.applied(await world.plan(adding, revision="20260104_once_more"))
    assert await world.value("""SELECT condition FROM items WHERE "ItemID" = 1""") == "broken"
