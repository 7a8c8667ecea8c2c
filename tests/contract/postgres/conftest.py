"""A live PostgreSQL database and a restored copy of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from skill_server.backends.postgres.backup.dump import dump
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.connection import Connections
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import filled, private, scratch_copy


@pytest_asyncio.fixture(loop_scope="session")
async def live(postgres_database: str) -> AsyncIterator[Connections]:
    """The way to a filled database; whatever replaced it is dropped afterwards."""
    connections = await filled(postgres_database)
    yield connections
    async with connections.maintenance(purpose="test") as connection:
        for row in await connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
            f"{connections.database}_replaced_",
        ):
            await connection.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')


@pytest_asyncio.fixture(loop_scope="session")
async def copy(live: Connections, tmp_path: Path) -> AsyncIterator[Connections]:
    """The way to a restored copy of the live database."""
    place = private(tmp_path)
    await dump(live, NameMap(), place)
    async with scratch_copy(live) as restored:
        await load(restored, place)
        yield restored
