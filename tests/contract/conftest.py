"""The ground of the cases that every backend must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skill_server.model.ids import BackendKind
from tests.contract.cases.ground import Ground, a_ground


@pytest_asyncio.fixture(params=list(BackendKind), loop_scope="session")
async def ground(
    request: pytest.FixtureRequest, postgres_database: str, mongo_database: str
) -> AsyncIterator[Ground]:
    """The same five records on each backend in turn."""
    async with a_ground(request.param, postgres_database, mongo_database) as made:
        yield made
