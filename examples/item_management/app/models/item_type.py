"""The tree of item types."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base


class ItemType(Base):
    """A node of the type tree; a type without a parent is a root."""

    __tablename__ = "item_types"
    __table_args__ = (UniqueConstraint("ParentTypeID", "TypeName", name="uq_item_types_parent_name"),)

    type_id: Mapped[int] = mapped_column("TypeID", Integer, primary_key=True)
    type_name: Mapped[str] = mapped_column("TypeName", String(120), index=True)
    type_desc: Mapped[str | None] = mapped_column("TypeDesc", Text)
    parent_type_id: Mapped[int | None] = mapped_column(
        "ParentTypeID", Integer, ForeignKey("item_types.TypeID", ondelete="SET NULL")
    )
    sort_order: Mapped[int] = mapped_column("SortOrder", Integer, server_default=text("0"))
    is_visible: Mapped[bool] = mapped_column("IsVisible", Boolean, server_default=text("true"))

    parent: Mapped[ItemType | None] = relationship(remote_side=[type_id])

    def to_dict(self) -> dict[str, Any]:
        """Return the type as the API shows it."""
        return {
            "TypeID": self.type_id,
            "TypeName": self.type_name,
            "TypeDesc": self.type_desc,
            "ParentTypeID": self.parent_type_id,
            "SortOrder": self.sort_order,
            "IsVisible": self.is_visible,
        }
