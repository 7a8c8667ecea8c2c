"""The filled pair of one test alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.lifecycle.shop import fill
from tests.lifecycle.world import World, a_world


@pytest_asyncio.fixture(loop_scope="session")
async def world(postgres_database: str, mongo_database: str) -> AsyncIterator[World]:
    """Both databases, filled with the shop."""
    async with a_world(postgres_database, mongo_database) as made:
        await fill(made)
        yield made
