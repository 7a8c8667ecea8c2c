"""Fills an empty pair of databases with the sample data, the same in both."""

from __future__ import annotations

import asyncio
from itertools import islice

from ..models import Base
from .mongo import MongoLoader
from .postgres import PostgresLoader
from .records import SEEDED_MODELS, Sizes, records

__all__ = ["Sizes", "records", "seed"]

CHUNK_RECORDS = 5_000


async def seed(
    postgres_url: str,
    mongodb_url: str,
    *,
    items: int = 5_000,
    users: int = 200,
    logs: int = 20_000,
) -> None:
    """Create the application's schema in both databases and load the sample data.

    Both are filled from one stream in chunks, so memory does not grow with the number of records.
    PostgreSQL is one transaction; MongoDB keeps what was written before a failure.

    Raises:
        DatabaseNotEmptyError: one of the databases holds an entity of the application already.
        ValueError: the sizes do not fit together.
    """
    sizes = Sizes(items=items, users=users, logs=logs)
    async with PostgresLoader.open(postgres_url) as postgres, MongoLoader.open(mongodb_url) as mongo:
        await postgres.create_tables()
        await mongo.create_collections()
        for model in SEEDED_MODELS:
            await _load(model, sizes, postgres, mongo)
        # Foreign keys and indexes after the rows: checking each row as it arrives takes twice as long.
        await asyncio.gather(postgres.close_schema(), mongo.create_indexes())


async def _load(model: type[Base], sizes: Sizes, postgres: PostgresLoader, mongo: MongoLoader) -> None:
    stream = records(model, sizes)
    while chunk := list(islice(stream, CHUNK_RECORDS)):
        await asyncio.gather(postgres.load(model, chunk), mongo.load(model, chunk))
