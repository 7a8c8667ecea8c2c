"""The PostgreSQL repositories, one for each entity."""

from __future__ import annotations

from sqlalchemy import select, update

from ..models import Item, ItemType, Location, Log, User
from .base import Repositories
from .postgres_base import PostgresRepository, Sessions


class PostgresItems(PostgresRepository[Item]):
    """Items in the table `items`."""

    model = Item

    async def page(self, *, after: int = 0, limit: int = 50) -> list[Item]:
        query = select(Item).where(Item.ItemID > after, Item.IsArchived.is_(False))
        async with self.sessions() as session:
            return list(await session.scalars(query.order_by(Item.ItemID).limit(limit)))

    async def describe(self, item_id: int, text: str | None) -> bool:
        change = update(Item).where(Item.ItemID == item_id).values(ItemDesc=text).returning(Item.ItemID)
        async with self.sessions.begin() as session:
            return await session.scalar(change) is not None

    async def owned_by(self, user_id: int) -> list[Item]:
        query = select(Item).where(Item.ItemOwner == user_id)
        async with self.sessions() as session:
            newest_first = query.order_by(Item.ItemDateAdded.desc(), Item.ItemID.desc())
            return list(await session.scalars(newest_first))


class PostgresUsers(PostgresRepository[User]):
    """Users in the table `users`."""

    model = User

    async def add_favorite(self, user_id: int, item_id: int) -> bool:
        async with self.sessions.begin() as session:
            # Two requests may append at once, and a JSON list is written whole.
            user = await session.get(User, user_id, with_for_update=True)
            if user is None:
                return False
            if item_id not in user.favorites:
                user.favorites = [*user.favorites, item_id]
        return True


class PostgresItemTypes(PostgresRepository[ItemType]):
    """Item types in the table `item_types`."""

    model = ItemType

    async def children(self, type_id: int | None) -> list[ItemType]:
        parent = ItemType.parent_type_id
        query = select(ItemType).where(parent.is_(None) if type_id is None else parent == type_id)
        async with self.sessions() as session:
            return list(await session.scalars(query.order_by(ItemType.sort_order, ItemType.type_id)))


class PostgresLocations(PostgresRepository[Location]):
    """Locations in the table `locations`."""

    model = Location


class PostgresLogs(PostgresRepository[Log]):
    """Log lines in the table `logs`."""

    model = Log

    async def of_item(self, item_id: int, *, limit: int = 20) -> list[Log]:
        query = select(Log).where(Log.item_id == item_id)
        async with self.sessions() as session:
            newest_first = query.order_by(Log.logged_at.desc(), Log.log_id.desc())
            return list(await session.scalars(newest_first.limit(limit)))


def postgres_repositories(sessions: Sessions) -> Repositories:
    """Return the repositories that work through these sessions."""
    return Repositories(
        items=PostgresItems(sessions),
        users=PostgresUsers(sessions),
        types=PostgresItemTypes(sessions),
        locations=PostgresLocations(sessions),
        logs=PostgresLogs(sessions),
    )
