"""What of a schema a copy has in another form is named, on both databases."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from skill_server.backends import open_backend
from skill_server.backends.base import Backend
from skill_server.backup.differing import Differing, differing
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from tests.contract.postgres.sample import execute
from tests.support.servers import Servers, fresh_mongodb_database, fresh_postgres_database, mongodb_client

CHECK = "CREATE TABLE items (amount int CHECK (amount < {most})); CREATE VIEW {view} AS SELECT 1 AS one"


@asynccontextmanager
async def opened(kind: BackendKind, *urls: str) -> AsyncGenerator[list[Backend]]:
    """Open these databases and close them again."""
    backends = [open_backend(kind, url, NameMap()) for url in urls]
    try:
        yield backends
    finally:
        for backend in backends:
            await backend.close()


async def found(source: Backend, copy: Backend) -> Differing | None:
    """Compare a copy with a source that has not changed since it was dumped."""
    return await differing(source, copy, (await source.inspect()).fingerprint)


async def test_what_another_postgres_schema_has_instead_is_named(
    servers: Servers, postgres_database: str
) -> None:
    """A definition stands beside the one that it became; what is only on one side is told alone."""
    async with (
        fresh_postgres_database(servers.postgres_url) as other,
        opened(BackendKind.POSTGRES, postgres_database, other) as (source, copy),
    ):
        assert await found(source, copy) is None
        await execute(postgres_database, CHECK.format(most=5, view="seen"))
        await execute(other, CHECK.format(most=6, view="unseen"))
        told = await found(source, copy)

    assert told is not None
    assert not told.moved
    text = "\n".join(told.lines)
    assert '"CHECK ((amount < 5))"] comes back as constraints' in text
    assert '["public.seen","v"' in text
    assert '["public.unseen","v"' in text


async def test_what_another_mongodb_schema_has_instead_is_named(
    servers: Servers, mongo_database: str
) -> None:
    """Indexes, validators and options are its schema."""
    async with (
        fresh_mongodb_database(servers.mongodb_url) as other,
        opened(BackendKind.MONGODB, mongo_database, other) as (source, copy),
        mongodb_client(mongo_database) as client,
        mongodb_client(other) as other_client,
    ):
        one, two = client.get_default_database(), other_client.get_default_database()
        await one.create_collection("items", validator={"amount": {"$lt": 5}})
        await two.create_collection("items", validator={"amount": {"$lt": 6}})
        await one["items"].create_index([("amount", 1)], name="by_amount")
        told = await found(source, copy)

    assert told is not None
    text = "\n".join(told.lines)
    assert "mongodb: validator of items" in text
    assert "comes back as validator of items" in text
    assert "by_amount" in text
