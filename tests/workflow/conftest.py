"""What several tests of the whole workflow start from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application import detecting
from tests.support.project import a_project
from tests.support.servers import mongodb_client
from tests.workflow.bench import Bench


@pytest_asyncio.fixture(loop_scope="session")
async def bench(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """A filled project whose databases were detected, and an intruder's way into MongoDB."""
    async with (
        a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app),
        mongodb_client(project.mongodb_url) as client,
    ):
        await detecting.detect_databases(app, None)
        yield project, app, client.get_default_database()
