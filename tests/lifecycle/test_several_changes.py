"""Several changes in one migration: later ones meet what earlier ones made, and all go back together."""

from __future__ import annotations

import pytest

from skill_server.errors import MigrationError
from skill_server.model.change import Change
from tests.lifecycle.catalogue import a_change, a_retype
from tests.lifecycle.world import World

TOGETHER: dict[str, tuple[Change, ...]] = {
    "index-on-an-added-field": (
        a_change("add_field", field="condition", type="Text"),
        a_change("add_index", name="by_condition", fields=("condition", "ItemID")),
    ),
    "unique-index-on-an-added-field": (
        a_change("add_field", field="condition", type="Text"),
        a_change("add_index", name="by_condition", fields=("ItemID", "condition"), unique=True),
    ),
    "index-on-a-renamed-field": (
        a_change("rename_field", field="ItemDesc", to="description"),
        a_change("add_index", name="by_description", fields=("description",)),
    ),
    "unique-index-on-a-renamed-field": (
        a_change("rename_field", field="Key", to="token_text"),
        a_change("add_index", name="by_token", fields=("token_text", "ItemID"), unique=True),
    ),
    "a-name-that-is-free-again": (
        a_change("rename_field", field="ItemDesc", to="description"),
        a_change("rename_field", field="Flag", to="marked"),
        a_change("drop_field", field="Facts"),
    ),
    "everything-at-once": (
        a_change("add_field", field="rank", type="Integer", nullable=False, default=7),
        a_change("rename_field", field="Flag", to="marked"),
        a_change("drop_field", field="Facts"),
        a_retype("Price", "String(32)", "Decimal(12,2)"),
        a_retype("Bought", "Text", "Date"),
        a_change("drop_index", name="ix_items_ItemName"),
        a_change("add_index", name="ranked", fields=("-rank", "ItemName")),
    ),
}


@pytest.mark.parametrize("together", TOGETHER.values(), ids=TOGETHER.keys())
async def test_changes_that_build_on_each_other_go_up_and_down_together(
    world: World, together: tuple[Change, ...]
) -> None:
    """An author writes one migration for one piece of work, however many changes it takes."""
    before = await world.state()
    plan = await world.up(*together)
    assert await world.state() != before
    await world.down(plan)
    assert await world.state() == before


async def test_two_changes_of_one_field_go_up_and_down_or_are_refused_before_anything_runs(
    world: World,
) -> None:
    """What cannot be planned as a whole must not run as a part."""
    before = await world.state()
    changes = (
        a_change("rename_field", field="Price", to="cost_text"),
        a_retype("cost_text", "String(32)", "Decimal(12,2)"),
    )
    with pytest.raises(MigrationError) as refusal:
        await world.plan(*changes)
    assert refusal.value.state == "untouched"
    assert await world.state() == before


async def test_a_field_can_be_dropped_again_after_a_downgrade_and_by_a_later_migration(world: World) -> None:
    """Hidden names carry the revision, so that two migrations never keep values in the same place."""
    first = a_change("drop_field", field="Facts")
    before = await world.state()
    await world.down(await world.up(first))
    assert await world.state() == before
    await world.up(first)
    hidden = await world.state()

    again = a_change("add_field", field="Facts", type="Json")
    added = await world.plan(again, revision="20260102_again")
    await world.applied(added)
    dropped = await world.plan(first, revision="20260103_drop")
    await world.applied(dropped)

    await world.down(dropped)
    await world.down(added)
    assert await world.state() == hidden
