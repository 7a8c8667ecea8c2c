"""The moment of a dump by the server's own clock, and what a later look needs to tell what was written after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.listing import Collection
from skill_server.model.base import JsonObject


@dataclass(frozen=True)
class Moment:
    """A time by the server's clock, and its logical time (seconds, number within) where it counts operations."""

    at: datetime
    cluster_time: tuple[int, int] | None = None

    def since(self, found: Sequence[Collection]) -> JsonObject:
        """Return what tells later what was written after this moment, as JSON."""
        return {
            "cluster_time": None if self.cluster_time is None else list(self.cluster_time),
            "at": self.at.isoformat(),
            "collections": {item.name: item.uuid for item in found if item.holds_documents},
        }


async def moment_of_server(connections: Connections) -> Moment:
    """Ask the server for its time."""
    with wrapped("asking the server for its time"):
        hello: dict[str, Any] = await connections.client().admin.command("hello")
    at: datetime = hello["localTime"]
    logical = hello.get("operationTime")
    # BSON dates are of UTC, and an answer to a command says so no further.
    return Moment(at.replace(tzinfo=UTC), None if logical is None else (logical.time, logical.inc))


def moment_of_snapshot(session: Any) -> Moment | None:
    """Return the time of the first read in a snapshot session, or None where the server counts no operations."""
    logical = session.operation_time
    return None if logical is None else Moment(logical.as_datetime(), (logical.time, logical.inc))
