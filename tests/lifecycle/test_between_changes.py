"""Changes of one migration that meet in a name or a definition: right in both directions, or refused by both names."""

from __future__ import annotations

import pytest

from skill_server import changes
from skill_server.errors import Invalid, MigrationError
from skill_server.model.change import Change
from skill_server.run import saga
from tests.lifecycle.catalogue import CHANGES, a_change, a_retype
from tests.lifecycle.world import POLICY, World


def owners(kind: str, **arguments: object) -> Change:
    """Return a change of the owners."""
    return changes.build(kind, entity="owners", **arguments)


DROP_OWNERS = owners("drop_entity")
DROP_REFERENCE = a_change("drop_relationship", field="OwnerID", name="items_OwnerID_fkey")
RENAME_KEY = a_change("rename_field", field="ItemID", to="number")
RETYPE_KEY = owners("retype_field", field="OwnerID", was="Integer", to="BigInteger")
SPLIT = CHANGES["golden-split_field"]
RIGHT: dict[str, tuple[Change, ...]] = {
    "two-entities-joined-by-a-reference": (DROP_OWNERS, a_change("drop_entity")),
    "a-reference-and-what-it-leads-to": (DROP_REFERENCE, DROP_OWNERS),
    "a-referring-field-and-what-it-leads-to": (DROP_OWNERS, a_change("drop_field", field="OwnerID")),
    "a-reference-and-its-field": (DROP_REFERENCE, a_change("drop_field", field="OwnerID")),
    "a-key-retyped-and-who-refers-to-it": (RETYPE_KEY, a_change("drop_entity")),
    "a-key-retyped-that-another-change-leads-to": (CHANGES["golden-embed_entity"], RETYPE_KEY),
    "a-key-renamed-by-which-records-are-told": (DROP_REFERENCE, RENAME_KEY),
    "a-key-renamed-and-another-retyped": (RETYPE_KEY, RENAME_KEY),
    "a-key-renamed-and-a-field-split": (SPLIT, owners("rename_field", field="OwnerID", to="id")),
    "an-entity-renamed-and-its-rule-dropped": (
        a_change("rename_entity", to="goods"),
        changes.build("drop_check", entity="goods", name="no_debts", field="Quantity"),
    ),
    "a-moved-entity-referred-to": (
        owners("move_entity", to="stock"),
        CHANGES["golden-add_relationship"],
    ),
    "a-split-field-indexed": (
        SPLIT,
        owners("add_index", name="by_last", fields=("last_name",), unique=True),
    ),
    "a-new-entity-filled-ruled-and-indexed": (
        changes.build(
            "add_entity",
            entity="prices",
            fields=[
                {"name": "id", "type": "Integer", "nullable": False},
                {"name": "item", "type": "Integer"},
            ],
            key=["id"],
        ),
        changes.build(
            "add_relationship",
            entity="prices",
            field="item",
            references="items",
            references_field="ItemID",
            index="by_item",
        ),
        changes.build(
            "copy_records",
            entity="prices",
            source="items",
            mapping={"id": "ItemID", "item": "ItemID"},
            key=["id"],
        ),
    ),
    "a-type-changed-and-a-rule-for-it": (
        a_retype("Price", "String(32)", "Decimal(12,2)"),
        a_change("add_check", name="fair", field="Price", minimum=0),
    ),
    "values-moved-by-a-wide-key": (RETYPE_KEY, CHANGES["golden-move_fields"]),
}
APART: dict[str, tuple[Change, Change, str, str]] = {
    "moved-and-its-definition-remembered": (
        a_change("move_entity", to="stock"),
        DROP_OWNERS,
        "items",
        "owners",
    ),
    "moved-and-referred-to-by-what-goes": (
        owners("move_entity", to="stock"),
        a_change("drop_field", field="OwnerID"),
        "owners",
        "OwnerID of items",
    ),
    "renamed-and-an-index-of-it-dropped": (
        a_change("rename_entity", to="goods"),
        changes.build("drop_index", entity="goods", name="ix_items_ItemName"),
        "items",
        "ix_items_ItemName",
    ),
    "renamed-and-an-indexed-field-retyped": (
        a_change("rename_entity", to="goods"),
        changes.build("retype_field", entity="goods", field="Price", was="String(32)", to="Decimal(12,2)"),
        "items",
        "Price",
    ),
    "a-key-renamed-of-the-same-name-as-its-reference": (
        owners("rename_field", field="OwnerID", to="id"),
        a_change("drop_field", field="OwnerID"),
        "OwnerID of owners",
        "OwnerID of items",
    ),
}


@pytest.mark.parametrize("together", RIGHT.values(), ids=RIGHT.keys())
async def test_changes_that_meet_in_a_name_or_definition_go_up_and_down_together(
    world: World, together: tuple[Change, ...]
) -> None:
    """What a question or a statement names must be there under that name when its turn comes, in both directions."""
    before = await world.state()
    plan = await world.up(*together)
    assert await world.state() != before
    await world.down(plan)
    assert await world.state() == before


@pytest.mark.parametrize(("one", "other", "named", "and_named"), APART.values(), ids=APART.keys())
async def test_changes_that_would_rebuild_a_definition_of_old_names_are_refused_with_both(
    world: World, one: Change, other: Change, named: str, and_named: str
) -> None:
    """A definition that is remembered names tables and fields as they were, which nothing has when it is needed."""
    with pytest.raises(Invalid, match=f"{named} is (renamed|moved) .* with {and_named}") as refusal:
        await world.plan(one, other)
    assert refusal.value.code == "changes-share-a-definition"


async def test_an_index_made_before_the_key_in_it_is_converted_is_refused(world: World) -> None:
    """No server has said yet how the index would have to be made again."""
    index = a_change("add_index", name="once", fields=("ItemName", "-ItemID"), unique=True)
    with pytest.raises(MigrationError, match="once") as refusal:
        await world.plan(index, a_retype("ItemID", "Integer", "BigInteger"))
    assert refusal.value.code == "rules-not-settled"


async def test_two_dropped_fields_of_one_unique_index_come_back_together(world: World) -> None:
    """Whether the index can come back is asked when both fields are there again."""
    await world.execute('CREATE UNIQUE INDEX pairing ON items ("Price", "ItemDesc", "ItemID")')
    keys = [("Price", 1), ("ItemDesc", 1), ("ItemID", 1)]
    await world.mongodb["item"].create_index(keys, unique=True, name="pairing")
    before = await world.state()
    for together in (
        (a_change("drop_field", field="Price"), a_change("drop_field", field="ItemDesc")),
        (a_change("drop_index", name="pairing"), a_change("drop_field", field="ItemDesc")),
    ):
        plan = await world.up(*together)
        await world.down(plan)
        assert await world.state() == before


@pytest.mark.parametrize(
    "rule",
    [
        a_change("add_check", name="positive", field="maker", minimum=0),
        a_change("add_relationship", field="maker", references="owners", references_field="OwnerID"),
    ],
    ids=["check", "reference"],
)
async def test_a_new_field_that_breaks_its_rule_is_told_with_the_records_and_undone(
    world: World, rule: Change
) -> None:
    """MongoDB would hold what its rule forbids, and say nothing."""
    before = await world.state()
    field = a_change("add_field", field="maker", type="Integer", nullable=False, default=-1)
    plan = await world.plan(field, rule)
    await saga.check_before(world.pair, plan)
    report = await saga.carry_out(world.pair, plan, POLICY)
    assert report.code == "records-in-the-way"
    assert "8 records" in (report.problem or "")
    assert await world.state() == before
