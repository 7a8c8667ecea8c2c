"""Fixtures of the application's tests: repositories of the configured backend, and an owner."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest_asyncio
from app.models import User
from app.repositories import Repositories, open_repositories


@pytest_asyncio.fixture
async def repositories() -> AsyncGenerator[Repositories]:
    """Yield the repositories of the backend that the environment names."""
    async with open_repositories() as opened:
        yield opened


@pytest_asyncio.fixture
async def owner(repositories: Repositories) -> AsyncGenerator[User]:
    """Yield a new user, who leaves again with everything that the test created for them."""
    name = f"test.{uuid4().hex}"
    user = await repositories.users.create(
        User(UserName=name, UserEmail=f"{name}@example.org", PasswordHash="none")
    )
    yield user
    for item in await repositories.items.owned_by(user.UserID):
        await repositories.items.delete(item.ItemID)
    await repositories.users.delete(user.UserID)
