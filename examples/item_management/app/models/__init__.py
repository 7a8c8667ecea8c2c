"""The models of the item management application, one module each."""

from .base import Base
from .item import Item
from .item_type import ItemType
from .location import Location
from .log import Log
from .user import User

__all__ = ["Base", "Item", "ItemType", "Location", "Log", "User"]
