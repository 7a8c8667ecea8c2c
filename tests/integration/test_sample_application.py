"""The sample application on real servers: the same data in both databases, and its own tests on each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError, WriteError
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from examples.item_management.app.database import postgres_engine
from examples.item_management.app.models import Base, Item, User
from examples.item_management.app.repositories.mongo_documents import COLLECTIONS, from_document
from examples.item_management.app.repositories.mongo_entities import mongo_repositories
from examples.item_management.app.repositories.postgres_entities import postgres_repositories
from examples.item_management.app.seeding import seed
from examples.item_management.app.seeding.errors import DatabaseNotEmptyError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "item_management"
PROGRAM_LIMIT_S = 90


def run(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a Python program of the example and return what it printed."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PROGRAM_LIMIT_S,
        check=False,
    )


def content(record: Base) -> dict[str, Any]:
    """Return what a record holds by attribute."""
    return {attribute.key: getattr(record, attribute.key) for attribute in inspect(type(record)).column_attrs}


def differences_from_models(connection: Connection) -> list[Any]:
    """Return what Alembic would change to bring the database to the models."""
    return compare_metadata(
        MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
    )


async def test_both_databases_hold_the_same_records(postgres_database: str, mongo_database: str) -> None:
    """The pair is one application's data, so no value may differ, whatever it is stored as."""
    await seed(postgres_database, mongo_database, items=150, users=20, logs=200)

    async with (
        AsyncSession(postgres_engine(postgres_database)) as session,
        AsyncMongoClient[dict[str, Any]](mongo_database, tz_aware=True) as client,
    ):
        for model, name in COLLECTIONS.items():
            key = inspect(model).primary_key[0]
            rows = (await session.scalars(select(model).order_by(key))).all()
            cursor = client.get_default_database()[name].find(sort=[(key.name, 1)])
            documents = [from_document(model, document) async for document in cursor]

            assert [content(row) for row in rows] == [content(document) for document in documents]
            assert rows


async def test_the_seeded_schema_is_the_schema_of_the_models(
    postgres_database: str, mongo_database: str
) -> None:
    """Tables, foreign keys and indexes are made in several steps, and none may be left out."""
    await seed(postgres_database, mongo_database, items=10, users=5, logs=10)

    async with postgres_engine(postgres_database).connect() as connection:
        found = await connection.run_sync(differences_from_models)
        owned = await connection.scalar(text('SELECT count("ItemName") FROM item_overview'))

    assert found == []
    assert owned == 10


async def test_new_records_get_the_keys_after_the_seeded_ones(
    postgres_database: str, mongo_database: str
) -> None:
    """A sequence left behind the loaded keys would fail the first insert of the application."""
    await seed(postgres_database, mongo_database, items=10, users=5, logs=0)

    async with AsyncMongoClient[dict[str, Any]](mongo_database, tz_aware=True) as client:
        sessions = async_sessionmaker(postgres_engine(postgres_database), expire_on_commit=False)
        for repositories in (
            postgres_repositories(sessions),
            mongo_repositories(client.get_default_database()),
        ):
            item = await repositories.items.create(Item(ItemName="eleventh", ItemOwner=1))

            assert item.ItemID == 11


async def test_the_collections_refuse_what_the_tables_refuse(
    postgres_database: str, mongo_database: str
) -> None:
    """A closed validator and unique indexes are what a rename or a retype has to get past."""
    await seed(postgres_database, mongo_database, items=10, users=5, logs=0)

    async with AsyncMongoClient[dict[str, Any]](mongo_database) as client:
        database = client.get_default_database()
        users = database[COLLECTIONS[User]]
        with pytest.raises(WriteError, match="validation"):
            await users.update_one({"UserID": 1}, {"$set": {"nickname": "x"}})
        with pytest.raises(DuplicateKeyError):
            await database["item"].insert_one({"ItemID": 1, "ItemName": "again", "ItemOwner": 1})

        assert await users.count_documents({"nickname": {"$exists": True}}) == 0


@pytest.mark.parametrize("taken", ["PostgreSQL", "MongoDB"])
async def test_a_database_that_is_in_use_is_never_seeded(
    postgres_database: str, mongo_database: str, taken: str
) -> None:
    """A wrong URL must not mix sample data into somebody's records, nor leave half a schema beside them."""
    engine = postgres_engine(postgres_database)
    async with AsyncMongoClient[dict[str, Any]](mongo_database) as client:
        if taken == "PostgreSQL":
            async with engine.begin() as connection:
                await connection.execute(text("CREATE TABLE items (mine int)"))
        else:
            await client.get_default_database()["item"].insert_one({"mine": 1})

        with pytest.raises(DatabaseNotEmptyError, match=taken):
            await seed(postgres_database, mongo_database, items=1, users=1, logs=0)

        async with engine.connect() as connection:
            tables = (
                await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            ).all()
        collections = await client.get_default_database().list_collection_names()

    assert (list(tables), collections) == ((["items"], []) if taken == "PostgreSQL" else ([], ["item"]))


@pytest.mark.parametrize("backend", ["postgres", "mongodb"])
async def test_the_applications_own_tests_pass_on_seeded_data(
    postgres_database: str, mongo_database: str, backend: str
) -> None:
    """A rehearsal runs these tests on its copies, on both backends."""
    where = {"DATABASE_URL": postgres_database, "MONGO_URI": mongo_database}
    seeded = run(str(EXAMPLE / "seed.py"), "--items", "40", "--users", "5", "--logs", "60", environment=where)
    assert seeded.returncode == 0, seeded.stderr
    assert seeded.stdout.startswith("seeded 40 items, 5 users, 60 log lines")

    tested = run("-m", "pytest", "-q", str(EXAMPLE / "tests"), environment={**where, "DB_TYPE": backend})

    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout


def test_the_seeder_asks_for_both_addresses() -> None:
    """A missing variable is an error, never a guess at some local server."""
    refused = run(str(EXAMPLE / "seed.py"), environment={"DATABASE_URL": "", "MONGO_URI": ""})

    assert refused.returncode == 2
    assert "DATABASE_URL and MONGO_URI" in refused.stderr
