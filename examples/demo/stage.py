"""The stage of the demonstration: a copy of the sample application, its two databases, and the server."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import ElicitResult

from examples.item_management.app.seeding import seed
from skill_server.embedded import embedded_pair

CHECKOUT = Path(__file__).parent.parent.parent
# The stand-in for MongoDB takes its time for each document; the seeder itself makes as many as one likes.
LOGS = 4000
APPLICATION = CHECKOUT / "examples" / "item_management"
CONFIGURATION = """\
default_target = "development"
models = "app/models"
code = ["app"]
test_command = ["{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]

[names]
users = {{ mongodb = "user" }}
items = {{ mongodb = "item" }}
item_types = {{ mongodb = "type" }}
locations = {{ mongodb = "location" }}
logs = {{ mongodb = "log" }}

[targets.development]
environment = "development"
"""

Answer = Callable[[str], bool]


@dataclass(frozen=True)
class Stage:
    """Where everything is; `environment` is what the server process gets."""

    project: Path
    postgres_url: str
    mongodb_url: str
    environment: dict[str, str]

    @asynccontextmanager
    async def client(self, person: Answer) -> AsyncGenerator[Client]:
        """Start the server over stdio and connect; `person` answers its questions with yes or no."""

        async def asked(context: Any, params: Any) -> ElicitResult:
            decision = "apply" if person(params.message) else "do_not_apply"
            return ElicitResult(action="accept", content={"decision": decision})

        server = StdioServerParameters(
            command=sys.executable, args=["-m", "skill_server", "serve"], env=self.environment, cwd=CHECKOUT
        )
        async with Client(server, elicitation_callback=asked, read_timeout_seconds=600) as client:
            yield client


@asynccontextmanager
async def set_up(folder: Path, items: int, say: Callable[[str], None]) -> AsyncGenerator[Stage]:
    """Copy the application into `folder`, start both databases and fill them with the same records."""
    project = folder / "item_management"
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shutil.copytree(APPLICATION, project, ignore=ignored)
    (project / "database-migration.toml").write_text(CONFIGURATION.format(python=sys.executable))
    (project / "migrations").mkdir()
    async with embedded_pair(durable=False) as pair:
        say("PostgreSQL 18 and a MongoDB-protocol server are running, on this machine only")
        await seed(pair.postgres_url, pair.mongodb_url, items=items, logs=LOGS)
        say(f"both hold the same {items:,} items, 200 users and {LOGS:,} log lines")
        yield Stage(
            project=project,
            postgres_url=pair.postgres_url,
            mongodb_url=pair.mongodb_url,
            environment={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "DATABASE_URL": pair.postgres_url,
                "MONGO_URI": pair.mongodb_url,
                "DB_TYPE": "postgres",
                "DATABASE_MIGRATION_PROJECT": str(project),
                "DATABASE_MIGRATION_KEY_FILE": str(folder / "server" / "ledger.key"),
            },
        )


async def refuse(call: Callable[[], Awaitable[Any]], code: str) -> str:
    """Make a call that must be refused for a reason, and return the message."""
    result = await call()
    found: dict[str, Any] = result.structured_content or {}
    if not result.is_error or found.get("code") != code:
        raise AssertionError(f"expected the refusal {code}, got {found.get('code') or 'a success'}")
    return str(found["message"])
