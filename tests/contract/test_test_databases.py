"""The databases that tests are given: fresh, private, and gone afterwards."""

from __future__ import annotations

import asyncpg

from tests.support.servers import (
    Servers,
    fresh_mongodb_database,
    fresh_postgres_database,
    mongodb_client,
    with_database,
)


async def test_a_fresh_postgres_database_is_empty_and_on_its_own(postgres_database: str) -> None:
    """A test must never see what another left behind."""
    connection = await asyncpg.connect(postgres_database)
    try:
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()

    assert tables == 0


async def test_a_fresh_mongodb_database_accepts_writes_of_its_own_user(mongo_database: str) -> None:
    """The URL alone must be enough to log in and to reach the right database."""
    async with mongodb_client(mongo_database) as client:
        database = client.get_default_database()
        await database["items"].insert_one({"_id": 1})

        assert await database["items"].count_documents({}) == 1
        assert database.name.startswith("test_")


async def test_a_postgres_database_is_dropped_although_a_connection_is_open(servers: Servers) -> None:
    """A test that fails leaves connections open; its database must go nevertheless."""
    async with fresh_postgres_database(servers.postgres_url) as url:
        forgotten = await asyncpg.connect(url)
    name = url.rsplit("/", 1)[1]
    connection = await asyncpg.connect(servers.postgres_url)
    try:
        left = await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name)
    finally:
        await connection.close()
        forgotten.terminate()

    assert left == 0


async def test_a_mongodb_database_is_dropped_with_all_that_it_holds(servers: Servers) -> None:
    """Databases that pile up would slow every later test down."""
    async with fresh_mongodb_database(servers.mongodb_url) as url, mongodb_client(url) as client:
        name = client.get_default_database().name
        await client[name]["items"].insert_one({"_id": 1})
        assert name in await client.list_database_names()

    async with mongodb_client(servers.mongodb_url) as client:
        assert name not in await client.list_database_names()


def test_a_url_keeps_its_user_and_options_when_its_database_changes() -> None:
    """A user of `admin` stays one, whatever database the URL leads to."""
    assert (
        with_database("mongodb://u:p@h:1/?directConnection=true", "x")
        == "mongodb://u:p@h:1/x?directConnection=true&authSource=admin"
    )
    assert with_database("mongodb://u:p@h/a?authSource=b", "x") == "mongodb://u:p@h/x?authSource=b"
    assert (
        with_database("postgresql://u:p@h:2/a?sslmode=require", "x")
        == "postgresql://u:p@h:2/x?sslmode=require"
    )
