"""What all PostgreSQL repositories share: one session, one transaction for each call."""

from __future__ import annotations

from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ..models import Base

Model = TypeVar("Model", bound=Base)
Sessions = async_sessionmaker[AsyncSession]


class PostgresRepository(Generic[Model]):
    """Creates, reads and deletes records of one model by their key."""

    model: type[Model]

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions

    async def create(self, record: Model, /) -> Model:
        """Insert the record and read back what the server filled in."""
        async with self.sessions.begin() as session:
            session.add(record)
            await session.flush()
            await session.refresh(record)
        return record

    async def get(self, key: int, /) -> Model | None:
        """Return the record with this key."""
        async with self.sessions() as session:
            return await session.get(self.model, key)

    async def delete(self, key: int, /) -> bool:
        """Delete the record with this key; say whether there was one."""
        async with self.sessions.begin() as session:
            record = await session.get(self.model, key)
            if record is None:
                return False
            await session.delete(record)
        return True
