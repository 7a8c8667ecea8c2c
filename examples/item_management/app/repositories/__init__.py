"""Opens the repositories of the backend that `get_db_type()` names."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ..database import get_db_type, mongo_client, session_factory
from .base import Repositories
from .mongo_entities import mongo_repositories
from .postgres_entities import postgres_repositories

__all__ = ["Repositories", "open_repositories"]


@asynccontextmanager
async def open_repositories() -> AsyncGenerator[Repositories]:
    """Yield the repositories of the configured backend and release its connections afterwards."""
    match get_db_type():
        case "postgres":
            yield postgres_repositories(session_factory())
        case "mongodb":
            async with mongo_client() as client:
                yield mongo_repositories(client.get_default_database())
