"""People who own items, and what they marked as favourites."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, Date, DateTime, Integer, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, iso


class User(Base):
    """One account; `favorites` lists `ItemID` values in the order in which they were marked."""

    __tablename__ = "users"

    UserID: Mapped[int] = mapped_column(Integer, primary_key=True)
    UserKey: Mapped[UUID] = mapped_column(Uuid, unique=True, server_default=text("gen_random_uuid()"))
    UserName: Mapped[str] = mapped_column(String(80), unique=True)
    UserEmail: Mapped[str] = mapped_column(String(254), unique=True)
    UserFullName: Mapped[str | None] = mapped_column(String(160))
    PasswordHash: Mapped[str] = mapped_column(String(255))
    IsActive: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    favorites: Mapped[list[int]] = mapped_column(JSON, server_default=text("'[]'"))
    JoinedOn: Mapped[date] = mapped_column(Date, server_default=text("CURRENT_DATE"))
    LastLoginAt: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    Notes: Mapped[str | None] = mapped_column(Text)

    def to_dict(self) -> dict[str, Any]:
        """Return the user as the API shows it; the password hash stays inside."""
        return {
            "UserID": self.UserID,
            "UserKey": str(self.UserKey),
            "UserName": self.UserName,
            "UserEmail": self.UserEmail,
            "UserFullName": self.UserFullName,
            "IsActive": self.IsActive,
            "favorites": self.favorites,
            "JoinedOn": iso(self.JoinedOn),
            "LastLoginAt": iso(self.LastLoginAt),
            "Notes": self.Notes,
        }
