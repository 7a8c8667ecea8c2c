"""Places where items are kept."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, Date, Float, Integer, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, iso


class Location(Base):
    """A shelf in a building; `Shelf` is a label, so its leading zeros matter."""

    __tablename__ = "locations"
    __table_args__ = (UniqueConstraint("Building", "Shelf", name="uq_locations_building_shelf"),)

    LocationID: Mapped[int] = mapped_column(Integer, primary_key=True)
    LocationName: Mapped[str] = mapped_column(String(160), unique=True)
    Building: Mapped[str] = mapped_column(String(80))
    Shelf: Mapped[str] = mapped_column(String(20))
    Latitude: Mapped[float | None] = mapped_column(Float)
    Longitude: Mapped[float | None] = mapped_column(Float)
    CapacityLitres: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    IsColdStorage: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    OpenedOn: Mapped[date | None] = mapped_column(Date)

    def to_dict(self) -> dict[str, Any]:
        """Return the location as the API shows it; the capacity is a decimal in text."""
        return {
            "LocationID": self.LocationID,
            "LocationName": self.LocationName,
            "Building": self.Building,
            "Shelf": self.Shelf,
            "Latitude": self.Latitude,
            "Longitude": self.Longitude,
            "CapacityLitres": None if self.CapacityLitres is None else str(self.CapacityLitres),
            "IsColdStorage": self.IsColdStorage,
            "OpenedOn": iso(self.OpenedOn),
        }
