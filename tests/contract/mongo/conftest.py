"""Connections to databases of one test alone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest_asyncio

from skill_server.backends.base import scratch_name
from skill_server.backends.mongo.connection import Connections


@pytest_asyncio.fixture(loop_scope="session")
async def connections(mongo_database: str) -> AsyncIterator[Connections]:
    """Connections to an empty database."""
    opened = Connections(mongo_database)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def copy(connections: Connections) -> AsyncIterator[Connections]:
    """Connections to a scratch database that does not exist yet."""
    opened = connections.at(scratch_name("test", uuid.uuid4().hex[:12]))
    yield opened
    await connections.client().drop_database(opened.database)
