"""Markers by folder, and the servers and databases that tests ask for by name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.errors import MigrationError
from tests.support.servers import (
    Servers,
    fresh_mongodb_database,
    fresh_postgres_database,
    running_servers,
    versions,
)

MARKER_OF_FOLDER = {
    "unit": "unit",
    "golden": "unit",
    "contract": "contract",
    "integration": "integration",
    "workflow": "integration",
    "lifecycle": "integration",
    "property": "property",
    "guards": "guards",
    "faults": "faults",
}
HERE = Path(__file__).parent
NO_SERVERS = "NO SERVERS TO TEST ON"


def pytest_report_header() -> str:
    """Say on which servers the tests run."""
    return asyncio.run(versions())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test by the folder that it lies in."""
    for item in items:
        if HERE in item.path.parents and (
            marker := MARKER_OF_FOLDER.get(item.path.relative_to(HERE).parts[0])
        ):
            item.add_marker(marker)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it loudly when tests were skipped for want of a server."""
    skipped = [
        report for report in terminalreporter.getreports("skipped") if NO_SERVERS in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(f"{NO_SERVERS}: {len(skipped)} tests did not run", red=True, bold=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[Servers]:
    """Both servers, started once for each worker; without them a failure in CI and a skip elsewhere."""
    running = running_servers()
    try:
        started = await running.__aenter__()
    except MigrationError as failure:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{NO_SERVERS}: {failure}")
    try:
        yield started
    finally:
        await running.__aexit__(None, None, None)


@pytest_asyncio.fixture(loop_scope="session")
async def postgres_database(servers: Servers) -> AsyncIterator[str]:
    """The URL of an empty PostgreSQL database of this test alone."""
    async with fresh_postgres_database(servers.postgres_url) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def mongo_database(servers: Servers) -> AsyncIterator[str]:
    """The URL of an empty MongoDB database of this test alone."""
    async with fresh_mongodb_database(servers.mongodb_url) as url:
        yield url
