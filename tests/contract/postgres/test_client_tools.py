"""Finding PostgreSQL's client tools, and running one as a child."""

import asyncio
from pathlib import Path

import pytest

from skill_server.backends.postgres.backup import child, client_tools
from skill_server.backends.postgres.connection import Connections
from skill_server.errors import Refused
from tests.contract.postgres.sample import (
    value,
)


async def server_major(connections: Connections) -> int:
    """Return the server's major version."""
    async with connections.session(purpose="test") as connection:
        return connection.get_server_version().major


async def test_a_tool_is_gone_when_its_block_is_left(tmp_path: Path) -> None:
    """It may hang at a lock or a dead connection, so waiting for its own end is not enough."""
    program = tmp_path / "hangs"
    program.write_text("#!/bin/sh\nsleep 60 &\nsleep 60\n")
    program.chmod(0o700)
    async with asyncio.timeout(10):
        with pytest.raises(KeyError):
            async with child.running(program, [], {}, fed=False):
                raise KeyError


async def test_the_password_is_on_no_command_line_and_in_no_complaint(postgres_database: str) -> None:
    """Every user of a machine can read command lines."""
    tools = await client_tools.find(await server_major(Connections(postgres_database)))
    variables = Connections(postgres_database).environment() | {"PGPASSWORD": "hunter2"}
    async with child.running(tools.dump, ["hunter2", "extra"], variables, fed=False) as pg_dump:
        assert await pg_dump.read() == b""
        assert await pg_dump.exit_code() == 1

    assert pg_dump.complaint
    assert "hunter2" not in pg_dump.complaint + pg_dump.first_error


async def test_no_tools_that_are_new_enough_are_refused_by_name(postgres_database: str) -> None:
    """pg_dump refuses a newer server, so it is not even started."""
    assert await value(postgres_database, "SELECT 1") == 1
    with pytest.raises(Refused) as refusal:
        await client_tools.find(99)

    assert refusal.value.code == "client-tools-missing"
