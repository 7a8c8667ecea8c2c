"""Whatever the schema, the records and the changes: up, verified, and down again without a trace."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import assume, event, given

from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.documents.values import schema_of
from skill_server.backends.postgres.schema.types import native
from skill_server.errors import MigrationError
from skill_server.model.ids import BackendKind
from skill_server.model.logical import Kind, parse
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.plan import Plan
from skill_server.model.receipt import Checksums
from skill_server.verify.context import Context, Depth
from skill_server.verify.verify import verify
from tests.lifecycle.world import World, a_world
from tests.property.shapes import Shape, shapes, to_bson

# A night's worth of examples takes longer than any other test.
pytestmark = pytest.mark.timeout(7200)
NAMES = NameMap(entities={"things": EntityNames(postgres="things", mongodb="thing")})


@pytest_asyncio.fixture(loop_scope="session")
async def world(postgres_database: str, mongo_database: str) -> AsyncIterator[World]:
    """One pair of databases, emptied before every example."""
    async with a_world(postgres_database, mongo_database, NAMES) as made:
        yield made


# Refusals that a random shape may earn: a field that no document has is unknown to MongoDB.
EXPECTED_REFUSALS = frozenset({"change-does-not-fit", "field-missing"})


@given(shape=shapes())
async def test_any_changes_go_up_and_down_without_a_trace(world: World, shape: Shape) -> None:
    """Nobody thought of every schema; what was not thought of must hold as well."""
    await empty(world)
    await fill_postgres(world, shape)
    await fill_mongodb(world, shape)
    before = await world.state()
    try:
        plan = await world.plan(*shape.changes)
    except MigrationError as refusal:
        if refusal.code not in EXPECTED_REFUSALS or await world.state() != before:
            raise
        event(f"refused: {refusal.code}")
        assume(False)
        return
    for change in shape.changes:
        event(change.kind)
    sums = await world.pair.checksums()

    await world.applied(plan)
    await verified(world, plan, sums)
    await world.down(plan)

    assert await world.state() == before


async def verified(world: World, plan: Plan, before: dict[BackendKind, Checksums]) -> None:
    """Verify as the server does after an upgrade of a quiet pair."""
    context = Context(
        pair=world.pair,
        snapshots=await world.pair.inspect(),
        expected=await world.pair.fingerprints(),
        steps=plan.steps,
        before=before,
        after=await world.pair.checksums(),
        touched=frozenset(plan.touched),
    )
    report = await verify(context, Depth.FULL)
    assert report.passed, [check for check in report.checks if not check.passed]
    assert len(report.checks) >= 3


async def empty(world: World) -> None:
    """Take everything away that the last example left."""
    await world.execute(
        "DROP SCHEMA IF EXISTS public, database_migration_kept, database_migration CASCADE",
        "CREATE SCHEMA public",
    )
    for name in await world.mongodb.list_collection_names():
        await world.mongodb.drop_collection(name)


async def fill_postgres(world: World, shape: Shape) -> None:
    """Make the table, its index and its rows."""
    columns = [
        f'"{name}" {native(kind)}{" NOT NULL" if name in shape.required else ""}'
        for name, kind in shape.fields.items()
    ]
    await world.execute(f"CREATE TABLE things (number integer PRIMARY KEY, {', '.join(columns)})")
    for name in shape.indexed:
        await world.execute(f'CREATE INDEX there ON things ("{name}")')
    connection = await asyncpg.connect(world.postgres_url)
    try:
        for record in shape.records:
            names = ", ".join(f'"{name}"' for name in record)
            places = ", ".join(f"${number}" for number in range(1, len(record) + 1))
            values = [
                json.dumps(value)
                if name in shape.fields and shape.fields[name].kind is Kind.JSON and value is not None
                else value
                for name, value in record.items()
            ]
            await connection.execute(f"INSERT INTO things ({names}) VALUES ({places})", *values)
    finally:
        await connection.close()


async def fill_mongodb(world: World, shape: Shape) -> None:
    """Make the collection, its validator, its index and its documents."""
    options: dict[str, Any] = {}
    if shape.closed:
        described = {
            name: ejson.loads(json.dumps(schema_of(kind, nullable=name not in shape.required)))
            for name, kind in shape.fields.items()
        }
        schema: dict[str, Any] = {
            "bsonType": "object",
            "additionalProperties": False,
            "properties": {"_id": {}, "number": {"bsonType": "int"}, **described},
        }
        if shape.required:
            schema["required"] = sorted(shape.required)
        options["validator"] = {"$jsonSchema": schema}
    await world.mongodb.create_collection("thing", **options)
    for name in shape.indexed:
        await world.mongodb["thing"].create_index([(name, 1)], name="there")
    for record in shape.records:
        kinds = {**shape.fields, "number": parse("Integer")}
        document = {name: to_bson(value, kinds[name]) for name, value in record.items()}
        await world.mongodb["thing"].insert_one({"_id": record["number"], **document})
