"""Which database the application uses, and how it is reached.

`DB_TYPE` chooses the backend; `DATABASE_URL` and `MONGO_URI` say where the two databases are.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Literal

from pymongo import AsyncMongoClient
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

DbType = Literal["postgres", "mongodb"]


def get_db_type() -> DbType:
    """Return the backend that `DB_TYPE` names; PostgreSQL where it is not set.

    Raises:
        ValueError: `DB_TYPE` names neither backend.
    """
    value = os.environ.get("DB_TYPE", "postgres")
    match value:
        case "postgres" | "mongodb":
            return value
        case _:
            raise ValueError(f"DB_TYPE must be 'postgres' or 'mongodb', not {value!r}")


def session_factory() -> async_sessionmaker[AsyncSession]:
    """Return the factory of PostgreSQL sessions for `DATABASE_URL`."""
    return async_sessionmaker(postgres_engine(os.environ["DATABASE_URL"]), expire_on_commit=False)


def mongo_client() -> AsyncMongoClient[dict[str, Any]]:
    """Return a new client for `MONGO_URI`, which must name a database; the caller closes it."""
    return AsyncMongoClient(os.environ["MONGO_URI"], tz_aware=True)


@lru_cache
def postgres_engine(url: str) -> AsyncEngine:
    """Return the engine for a URL, whichever driver or alias of PostgreSQL the URL names."""
    # Flask runs every async view in an event loop of its own, and an asyncpg connection belongs to
    # the loop that opened it, so connections cannot be pooled across requests.
    return create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
