"""What the application asks of its storage, whichever database answers.

Every `create` returns the record with its assigned key and defaults; `get` returns None for an
unknown key; `delete` and the updates say whether the record was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..models import Item, ItemType, Location, Log, User


class ItemRepository(Protocol):
    """Storage of items."""

    async def create(self, record: Item, /) -> Item: ...
    async def get(self, key: int, /) -> Item | None: ...
    async def delete(self, key: int, /) -> bool: ...
    async def page(self, *, after: int = 0, limit: int = 50) -> list[Item]:
        """Return items that are not archived, by ascending `ItemID` above `after`."""
        ...

    async def describe(self, item_id: int, text: str | None) -> bool:
        """Replace the item's description."""
        ...

    async def owned_by(self, user_id: int) -> list[Item]:
        """Return a user's items, the newest first."""
        ...


class UserRepository(Protocol):
    """Storage of users."""

    async def create(self, record: User, /) -> User: ...
    async def get(self, key: int, /) -> User | None: ...
    async def delete(self, key: int, /) -> bool: ...
    async def add_favorite(self, user_id: int, item_id: int) -> bool:
        """Append an item to the user's favourites unless it is there already."""
        ...


class ItemTypeRepository(Protocol):
    """Storage of item types."""

    async def create(self, record: ItemType, /) -> ItemType: ...
    async def get(self, key: int, /) -> ItemType | None: ...
    async def delete(self, key: int, /) -> bool: ...
    async def children(self, type_id: int | None) -> list[ItemType]:
        """Return the types right below one type, or the roots for None."""
        ...


class LocationRepository(Protocol):
    """Storage of locations."""

    async def create(self, record: Location, /) -> Location: ...
    async def get(self, key: int, /) -> Location | None: ...
    async def delete(self, key: int, /) -> bool: ...


class LogRepository(Protocol):
    """Storage of the activity log."""

    async def create(self, record: Log, /) -> Log: ...
    async def get(self, key: int, /) -> Log | None: ...
    async def delete(self, key: int, /) -> bool: ...
    async def of_item(self, item_id: int, *, limit: int = 20) -> list[Log]:
        """Return the latest lines about an item, the newest first."""
        ...


@dataclass(frozen=True)
class Repositories:
    """One repository for each entity, all of the same backend."""

    items: ItemRepository
    users: UserRepository
    types: ItemTypeRepository
    locations: LocationRepository
    logs: LogRepository
