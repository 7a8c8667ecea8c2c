"""What users of the application rely on, on whichever backend `DB_TYPE` names."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import pytest
from app import create_app
from app.models import Item, ItemType, Location, Log, User
from app.repositories import Repositories

NO_SUCH_KEY = 2_000_000_000


async def test_a_created_item_reads_back_with_every_value_and_default(
    repositories: Repositories, owner: User
) -> None:
    """Both backends must keep the same types, whatever they store inside."""
    created = await repositories.items.create(
        Item(
            ItemName="Größe XL 🧰",
            ItemDesc='two\nlines, "quotes" and שלום',
            ItemPrice="0012.50",
            ItemOwner=owner.UserID,
            PurchaseCost=Decimal("99.90"),
            WeightGrams=0.1,
            ItemDateAdded=date(2024, 2, 29),
            move_history=[{"from": 1, "to": 2, "on": "2024-03-01"}],
        )
    )
    found = await repositories.items.get(created.ItemID)

    assert found is not None
    assert found.to_dict() == {
        "ItemID": created.ItemID,
        "ItemName": "Größe XL 🧰",
        "ItemDesc": 'two\nlines, "quotes" and שלום',
        "ItemPicture": None,
        "ItemPrice": "0012.50",
        "ItemSerial": None,
        "ItemOwner": owner.UserID,
        "ItemType": None,
        "ItemLocation": None,
        "Quantity": 1,
        "PurchaseCost": "99.90",
        "WeightGrams": 0.1,
        "ItemDateAdded": "2024-02-29",
        "WarrantyUntil": None,
        "ExpiresOn": None,
        "IsArchived": False,
        "related_items": [],
        "move_history": [{"from": 1, "to": 2, "on": "2024-03-01"}],
        "UpdatedAt": found.UpdatedAt.isoformat(),
    }
    assert found.UpdatedAt.tzinfo is not None


async def test_a_page_goes_on_after_a_key_and_leaves_out_archived_items(
    repositories: Repositories, owner: User
) -> None:
    """The list is read page by page, and archived items are no longer offered."""
    first, hidden, last = [
        await repositories.items.create(Item(ItemName=name, ItemOwner=owner.UserID, IsArchived=archived))
        for name, archived in (("first", False), ("hidden", True), ("last", False))
    ]
    page = [item.ItemID for item in await repositories.items.page(after=first.ItemID)]

    assert page[0] == last.ItemID
    assert hidden.ItemID not in page
    assert [item.ItemID for item in await repositories.items.page(after=first.ItemID - 1, limit=1)] == [
        first.ItemID
    ]


async def test_a_description_can_be_replaced_and_removed(repositories: Repositories, owner: User) -> None:
    """Removing a description leaves no text behind, and an unknown item is reported."""
    item = await repositories.items.create(Item(ItemName="lamp", ItemDesc="old", ItemOwner=owner.UserID))

    assert await repositories.items.describe(item.ItemID, "new")
    changed = await repositories.items.get(item.ItemID)
    assert changed is not None
    assert changed.ItemDesc == "new"

    assert await repositories.items.describe(item.ItemID, None)
    removed = await repositories.items.get(item.ItemID)
    assert removed is not None
    assert removed.ItemDesc is None
    assert not await repositories.items.describe(NO_SUCH_KEY, "nobody")


async def test_the_items_of_a_user_come_newest_first(repositories: Repositories, owner: User) -> None:
    """Dates must sort as dates, also where they are kept as text."""
    for day in (date(2024, 9, 30), date(2024, 10, 1), date(2023, 12, 31)):
        await repositories.items.create(Item(ItemName=str(day), ItemOwner=owner.UserID, ItemDateAdded=day))

    names = [item.ItemName for item in await repositories.items.owned_by(owner.UserID)]

    assert names == ["2024-10-01", "2024-09-30", "2023-12-31"]


async def test_a_favourite_is_kept_once_and_in_order(repositories: Repositories, owner: User) -> None:
    """Marking a favourite twice, or from two requests at once, loses and doubles nothing."""
    assert await repositories.users.add_favorite(owner.UserID, 7)
    await asyncio.gather(*(repositories.users.add_favorite(owner.UserID, key) for key in (7, 8, 9)))

    user = await repositories.users.get(owner.UserID)

    assert user is not None
    assert user.favorites[0] == 7
    assert sorted(user.favorites) == [7, 8, 9]
    assert not await repositories.users.add_favorite(NO_SUCH_KEY, 7)


async def test_two_creations_at_once_get_two_keys(repositories: Repositories, owner: User) -> None:
    """Keys are handed out by the database or retried, never shared."""
    created = await asyncio.gather(
        *(repositories.items.create(Item(ItemName=f"twin {n}", ItemOwner=owner.UserID)) for n in range(4))
    )

    assert len({item.ItemID for item in created}) == 4


async def test_children_of_a_type_are_ordered(repositories: Repositories) -> None:
    """The tree of types is shown in the order that its editors chose."""
    root = await repositories.types.create(ItemType(type_name="root of a test", sort_order=3))
    try:
        children = [
            await repositories.types.create(
                ItemType(type_name=name, parent_type_id=root.type_id, sort_order=order)
            )
            for name, order in (("second", 2), ("first", -1))
        ]
        try:
            found = await repositories.types.children(root.type_id)
            roots = await repositories.types.children(None)
        finally:
            for child in children:
                await repositories.types.delete(child.type_id)
    finally:
        await repositories.types.delete(root.type_id)

    assert [child.to_dict()["TypeName"] for child in found] == ["first", "second"]
    assert root.type_id in {other.type_id for other in roots}


async def test_a_location_keeps_its_leading_zeros_and_cents(repositories: Repositories) -> None:
    """A shelf label is text and a capacity has two decimals, also where it is kept as a double."""
    created = await repositories.locations.create(
        Location(LocationName="test 007", Building="test", Shelf="007", CapacityLitres=Decimal("12.50"))
    )
    try:
        found = await repositories.locations.get(created.LocationID)
    finally:
        await repositories.locations.delete(created.LocationID)

    assert found is not None
    assert found.to_dict()["Shelf"] == "007"
    assert found.to_dict()["CapacityLitres"] == "12.50"


async def test_the_log_of_an_item_starts_with_the_latest_line(
    repositories: Repositories, owner: User
) -> None:
    """People look at what happened last."""
    item = await repositories.items.create(Item(ItemName="kettle", ItemOwner=owner.UserID))
    lines = [
        await repositories.logs.create(Log(item_id=item.ItemID, user_id=owner.UserID, action=action))
        for action in ("created", "moved")
    ]
    try:
        found = await repositories.logs.of_item(item.ItemID)
    finally:
        for line in lines:
            await repositories.logs.delete(line.log_id)

    assert [line.to_dict()["LogAction"] for line in found] == ["moved", "created"]


async def test_the_api_answers_as_its_callers_expect(repositories: Repositories, owner: User) -> None:
    """The names in the answers are a contract with other programs."""
    pytest.importorskip("flask", reason="the web application is optional")
    client = create_app().test_client()
    item = await repositories.items.create(Item(ItemName="<atlas>", ItemDesc="a & b", ItemOwner=owner.UserID))
    address = f"/items/{item.ItemID}"

    shown = await asyncio.to_thread(client.get, address)
    changed = await asyncio.to_thread(client.put, f"{address}/description", json={"ItemDesc": "maps"})
    listed = await asyncio.to_thread(client.get, f"/items?after={item.ItemID - 1}")
    page = await asyncio.to_thread(client.get, "/")
    missing = await asyncio.to_thread(client.get, f"/items/{NO_SUCH_KEY}")

    assert shown.get_json()["ItemDesc"] == "a & b"
    assert changed.get_json() == {"ItemID": item.ItemID, "ItemDesc": "maps"}
    assert listed.get_json()[0]["ItemDesc"] == "maps"
    assert page.status_code == 200
    assert missing.status_code == 404
