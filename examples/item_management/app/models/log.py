"""What happened to items, and who did it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Float, ForeignKey, Index, Integer, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, iso


class Log(Base):
    """One line of the activity log; lines outlive the user who caused them, not the item."""

    __tablename__ = "logs"
    __table_args__ = (Index("ix_logs_item_time", "LogItem", "LoggedAt"),)

    log_id: Mapped[int] = mapped_column("LogID", BigInteger, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(
        "LogUser", Integer, ForeignKey("users.UserID", ondelete="SET NULL"), nullable=True
    )
    item_id: Mapped[int | None] = mapped_column(
        "LogItem", Integer, ForeignKey("items.ItemID", ondelete="CASCADE"), nullable=True
    )
    action: Mapped[str] = mapped_column("LogAction", String(32), nullable=False, index=True)
    message: Mapped[str] = mapped_column("LogMessage", Text, nullable=False, server_default="")
    payload: Mapped[dict[str, Any] | None] = mapped_column(
        "LogPayload", JSON(none_as_null=True), nullable=True
    )
    duration_ms: Mapped[float | None] = mapped_column("DurationMs", Float, nullable=True)
    logged_at: Mapped[datetime] = mapped_column(
        "LoggedAt", DateTime(timezone=True), nullable=False, server_default=func.now()
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the log line as the API shows it."""
        return {
            "LogID": self.log_id,
            "LogUser": self.user_id,
            "LogItem": self.item_id,
            "LogAction": self.action,
            "LogMessage": self.message,
            "LogPayload": self.payload,
            "DurationMs": self.duration_ms,
            "LoggedAt": iso(self.logged_at),
        }
