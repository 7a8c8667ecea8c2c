"""The MongoDB repositories, one for each entity."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from ..models import Item, ItemType, Location, Log, User
from .base import Repositories
from .mongo_base import MongoRepository
from .mongo_documents import Document


class MongoItems(MongoRepository[Item]):
    """Items in the collection `item`."""

    model = Item
    key_field = "ItemID"

    def defaults(self) -> dict[str, Any]:
        return {
            "Quantity": 1,
            "ItemDateAdded": date.today(),
            "IsArchived": False,
            "related_items": [],
            "move_history": [],
            "UpdatedAt": datetime.now(UTC),
        }

    async def page(self, *, after: int = 0, limit: int = 50) -> list[Item]:
        query: Document = {"ItemID": {"$gt": after}, "IsArchived": {"$ne": True}}
        return await self.find(query, [("ItemID", ASCENDING)], limit)

    async def describe(self, item_id: int, text: str | None) -> bool:
        change = {"$set": {"ItemDesc": text}}
        return (await self.collection.update_one({"ItemID": item_id}, change)).matched_count == 1

    async def owned_by(self, user_id: int) -> list[Item]:
        newest_first = [("ItemDateAdded", DESCENDING), ("ItemID", DESCENDING)]
        return await self.find({"ItemOwner": user_id}, newest_first)


class MongoUsers(MongoRepository[User]):
    """Users in the collection `user`."""

    model = User
    key_field = "UserID"

    def defaults(self) -> dict[str, Any]:
        return {"UserKey": uuid4(), "IsActive": True, "favorites": [], "JoinedOn": date.today()}

    async def add_favorite(self, user_id: int, item_id: int) -> bool:
        change = {"$addToSet": {"favorites": item_id}}
        return (await self.collection.update_one({"UserID": user_id}, change)).matched_count == 1


class MongoItemTypes(MongoRepository[ItemType]):
    """Item types in the collection `type`."""

    model = ItemType
    key_field = "TypeID"

    def defaults(self) -> dict[str, Any]:
        return {"SortOrder": 0, "IsVisible": True}

    async def children(self, type_id: int | None) -> list[ItemType]:
        return await self.find({"ParentTypeID": type_id}, [("SortOrder", ASCENDING), ("TypeID", ASCENDING)])


class MongoLocations(MongoRepository[Location]):
    """Locations in the collection `location`."""

    model = Location
    key_field = "LocationID"

    def defaults(self) -> dict[str, Any]:
        return {"IsColdStorage": False}


class MongoLogs(MongoRepository[Log]):
    """Log lines in the collection `log`."""

    model = Log
    key_field = "LogID"

    def defaults(self) -> dict[str, Any]:
        return {"LogMessage": "", "LoggedAt": datetime.now(UTC)}

    async def of_item(self, item_id: int, *, limit: int = 20) -> list[Log]:
        return await self.find({"LogItem": item_id}, [("LoggedAt", DESCENDING), ("LogID", DESCENDING)], limit)


def mongo_repositories(database: AsyncDatabase[Document]) -> Repositories:
    """Return the repositories that work on this database."""
    return Repositories(
        items=MongoItems(database),
        users=MongoUsers(database),
        types=MongoItemTypes(database),
        locations=MongoLocations(database),
        logs=MongoLogs(database),
    )
