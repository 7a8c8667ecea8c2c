"""Logins that can do less than a migration needs, and places where no server is: what operators get wrong."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from skill_server.embedded.mongodb import free_port
from tests.support.refusals import PASSWORD
from tests.support.servers import mongodb_client, with_database


def with_login(url: str, user: str | None = None, password: str = PASSWORD) -> str:
    """Return a URL with another password, or another user too."""
    parts = urlsplit(url)
    login, _, place = parts.netloc.rpartition("@")
    name = user or login.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{quote(name)}:{quote(password)}@{place}"))


def nobody_listens(scheme: str, database: str) -> str:
    """Return a URL of a port of this machine on which no server is."""
    return f"{scheme}://someone:{PASSWORD}@127.0.0.1:{free_port()}/{database}"


@asynccontextmanager
async def postgres_reader(admin_url: str, url: str) -> AsyncGenerator[str]:
    """Give the URL of a database for a role that may read everything and write nothing."""
    role = f"reader_{secrets.token_hex(6)}"
    await _on_postgres(
        admin_url, f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'", f"GRANT pg_read_all_data TO {role}"
    )
    try:
        yield with_login(url, role)
    finally:
        await _on_postgres(admin_url, f"DROP ROLE {role}")


@asynccontextmanager
async def mongodb_reader(admin_url: str, url: str) -> AsyncGenerator[str]:
    """Give the URL of a database for a user that may read it and write nothing."""
    user, database = f"reader_{secrets.token_hex(6)}", urlsplit(url).path.strip("/")
    async with mongodb_client(with_database(admin_url, "admin")) as client:
        await client.admin.command(
            {"createUser": user, "pwd": PASSWORD, "roles": [{"role": "read", "db": database}]}
        )
        try:
            yield with_login(url, user)
        finally:
            await client.admin.command({"dropUser": user})


async def _on_postgres(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
