"""The items themselves."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, iso


class Item(Base):
    """A thing that somebody owns and keeps somewhere.

    `ItemPrice` is text because the first version of the application stored what people typed.
    `related_items` lists `ItemID` values; each entry of `move_history` holds `from`, `to` and `on`.
    """

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint('"Quantity" >= 0', name="ck_items_quantity"),
        Index("ix_items_owner_added", "ItemOwner", "ItemDateAdded"),
    )

    ItemID: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    ItemName: Mapped[str] = mapped_column(String(200), index=True)
    ItemDesc: Mapped[str | None] = mapped_column(Text)
    ItemPicture: Mapped[str | None] = mapped_column(Text)
    ItemPrice: Mapped[str | None] = mapped_column(String(32))
    ItemSerial: Mapped[str | None] = mapped_column(String(64), unique=True)
    ItemOwner: Mapped[int] = mapped_column(Integer, ForeignKey("users.UserID", ondelete="CASCADE"))
    ItemType: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("item_types.TypeID", ondelete="SET NULL"), index=True
    )
    ItemLocation: Mapped[int | None] = mapped_column(
        Integer, ForeignKey("locations.LocationID", ondelete="SET NULL"), index=True
    )
    Quantity: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    PurchaseCost: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    WeightGrams: Mapped[float | None] = mapped_column(Float)
    ItemDateAdded: Mapped[date] = mapped_column(Date, server_default=text("CURRENT_DATE"))
    WarrantyUntil: Mapped[date | None] = mapped_column(Date)
    ExpiresOn: Mapped[date | None] = mapped_column(Date)
    IsArchived: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    related_items: Mapped[list[int]] = mapped_column(JSON, server_default=text("'[]'"))
    move_history: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    UpdatedAt: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    def to_dict(self) -> dict[str, Any]:
        """Return the item as the API shows it; decimals are text, dates are ISO text."""
        return {
            "ItemID": self.ItemID,
            "ItemName": self.ItemName,
            "ItemDesc": self.ItemDesc,
            "ItemPicture": self.ItemPicture,
            "ItemPrice": self.ItemPrice,
            "ItemSerial": self.ItemSerial,
            "ItemOwner": self.ItemOwner,
            "ItemType": self.ItemType,
            "ItemLocation": self.ItemLocation,
            "Quantity": self.Quantity,
            "PurchaseCost": None if self.PurchaseCost is None else str(self.PurchaseCost),
            "WeightGrams": self.WeightGrams,
            "ItemDateAdded": iso(self.ItemDateAdded),
            "WarrantyUntil": iso(self.WarrantyUntil),
            "ExpiresOn": iso(self.ExpiresOn),
            "IsArchived": self.IsArchived,
            "related_items": self.related_items,
            "move_history": self.move_history,
            "UpdatedAt": iso(self.UpdatedAt),
        }
