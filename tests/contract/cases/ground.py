"""Five records and what leans on them, made on either database past the backend under test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase

from skill_server.backends import open_backend
from skill_server.backends.base import Backend, RunPolicy
from skill_server.backends.pair import Pair
from skill_server.model.action import Action
from skill_server.model.ids import LEDGER_NAME, BackendKind
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.plan import Piece, Step
from skill_server.model.progress import no_progress
from skill_server.run import flow
from tests.support.servers import mongodb_client

REVISION = "20260101_change"
POLICY = RunPolicy(lock_timeout_s=0.1, lock_budget_s=1.0, batch_records=2)
NAMES = NameMap(
    entities={
        "items": EntityNames(
            postgres="items", mongodb="item", fields={"ItemID": {BackendKind.MONGODB: "_id"}}
        ),
        "visits": EntityNames(
            postgres="visits", mongodb="visit", fields={"id": {BackendKind.MONGODB: "_id"}}
        ),
    }
)
RECORDS: list[dict[str, Any]] = [
    {"ItemID": 1, "Name": "hammer", "Note": "größe 4", "Price": "12.50", "Quantity": 3},
    {"ItemID": 2, "Name": "saw", "Note": None, "Price": "7", "Quantity": 0},
    {"ItemID": 3, "Name": "工具箱", "Note": "", "Price": None, "Quantity": None},
    {"ItemID": 4, "Name": "nail", "Note": 'it\'s "one" \\', "Price": "0.10", "Quantity": -1},
    {"ItemID": 5, "Name": "drill 🪛", "Note": "five", "Price": None, "Quantity": 2147483647},
]
Content = tuple[str, dict[str, list[Any]]]


class Store(Protocol):
    """What an application can do with either database."""

    async def fill(self) -> None:
        """Make the items with their records, indexes and rules."""
        ...

    async def write(self, key: int, **fields: Any) -> None:
        """Set fields of a record, which is made where it is not there."""
        ...

    async def delete(self, key: int) -> None:
        """Delete a record."""
        ...

    async def make_wide(self) -> None:
        """Make the empty entity `wide`, with a field for each type of value."""
        ...

    async def read(self) -> dict[str, list[Any]]:
        """Return every record as the server holds it."""
        ...

    async def break_schema(self) -> None:
        """Change the schema as an intruder would."""
        ...


@dataclass
class PostgresStore:
    """The application's way to PostgreSQL."""

    url: str

    async def fill(self) -> None:
        """Make the table."""
        await self._run(
            """CREATE TABLE items ("ItemID" integer PRIMARY KEY, "Name" text NOT NULL, "Note" text,
               "Price" varchar(32), "Quantity" integer DEFAULT 1)"""
        )
        await self._run('CREATE UNIQUE INDEX by_name ON items ("Name")')
        await self._run('CREATE INDEX by_note ON items ("Note" DESC, "ItemID")')
        for record in RECORDS:
            await self._run("INSERT INTO items VALUES ($1, $2, $3, $4, $5)", *record.values())

    async def write(self, key: int, **fields: Any) -> None:
        """Set columns of a row."""
        await self._run(
            """INSERT INTO items ("ItemID", "Name") VALUES ($1, $2) ON CONFLICT DO NOTHING""",
            key,
            str(key),
        )
        for name, value in fields.items():
            await self._run(f'UPDATE items SET "{name}" = $2 WHERE "ItemID" = $1', key, value)

    async def delete(self, key: int) -> None:
        """Delete a row."""
        await self._run('DELETE FROM items WHERE "ItemID" = $1', key)

    async def make_wide(self) -> None:
        """Make a table with a column of each type."""
        await self._run(
            """CREATE TABLE wide (whole integer PRIMARY KEY, text text, big bigint, number double precision,
               exact numeric(12, 2), flag boolean, data bytea, moment timestamptz, uid uuid, day date)"""
        )

    async def read(self) -> dict[str, list[Any]]:
        """Return every row of every table that is in sight, as text."""
        tables = await self._run(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
            "WHERE schemaname !~ '^(pg_|information_schema|database_migration)' ORDER BY 1"
        )
        rows = {
            table: await self._run(f"SELECT to_json(t)::text FROM {table} AS t ORDER BY 1")
            for table in tables
        }
        return {table.removeprefix("public."): lines for table, lines in rows.items()}

    async def break_schema(self) -> None:
        """Add a table."""
        await self._run("CREATE TABLE intruder (id integer)")

    async def _run(self, statement: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return [row[0] for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()


@dataclass
class MongoStore:
    """The application's way to MongoDB."""

    database: AsyncDatabase[dict[str, Any]]

    async def fill(self) -> None:
        """Make the collection; absent values are left out of the even records."""
        words = {"Name": "string", "Note": ["string", "null"], "Price": ["string", "null"]}
        schema: dict[str, Any] = {
            "bsonType": "object",
            "required": ["Name"],
            "additionalProperties": False,
            "properties": {
                "_id": {},
                **{name: {"bsonType": word} for name, word in words.items()},
                "Quantity": {"bsonType": ["int", "null"]},
            },
        }
        await self.database.create_collection("item", validator={"$jsonSchema": schema})
        item = self.database["item"]
        await item.create_index([("Name", 1)], name="by_name", unique=True)
        await item.create_index([("Note", -1), ("_id", 1)], name="by_note")
        for record in RECORDS:
            key, *fields = record.items()
            held = {name: value for name, value in fields if value is not None or key[1] % 2}
            await item.insert_one({"_id": key[1], **held})

    async def write(self, key: int, **fields: Any) -> None:
        """Set fields of a document."""
        there = await self.database["item"].count_documents({"_id": key})
        if not there:
            await self.database["item"].insert_one({"_id": key, "Name": str(key), **fields})
        elif fields:
            await self.database["item"].update_one({"_id": key}, {"$set": fields})

    async def delete(self, key: int) -> None:
        """Delete a document."""
        await self.database["item"].delete_one({"_id": key})

    async def make_wide(self) -> None:
        """Make a collection, whose documents may have any field."""
        await self.database.create_collection("wide")

    async def read(self) -> dict[str, list[Any]]:
        """Return the raw bytes of every document of every collection that is in sight."""
        options: Any = CodecOptions(document_class=RawBSONDocument)
        found: dict[str, list[Any]] = {}
        for name in sorted(await self.database.list_collection_names()):
            if not name.startswith((LEDGER_NAME, "system.")):
                cursor: Any = self.database.get_collection(name, codec_options=options).find()
                found[name] = sorted([document.raw async for document in cursor])
        return found

    async def break_schema(self) -> None:
        """Add a collection."""
        await self.database.create_collection("intruder")


@dataclass
class Ground:
    """A backend under test, and the application beside it."""

    backend: Backend
    store: Store
    runs: int = 0

    async def content(self) -> Content:
        """Return what must come back: the fingerprint and every record."""
        return (await self.backend.inspect()).fingerprint, await self.store.read()

    async def steps(self, action: Action) -> tuple[Step, ...]:
        """Render an action on the schema as it is, as the steps of a plan."""
        pieces = self.backend.render(action, await self.backend.inspect(), migration=REVISION)
        return as_steps(self.backend.kind, action, pieces)

    async def up(self, steps: tuple[Step, ...]) -> str:
        """Run steps under a plan of their own, with their questions; return the plan's id."""
        self.runs += 1
        plan = f"{self.runs:032x}"
        for step in steps:
            for probe in step.forward.before:
                assert (await self.backend.probe(probe)).count == 0, probe.message
            await self.run(plan, (step,))
        for step in steps:
            for probe in step.forward.after:
                assert (await self.backend.probe(probe)).count == 0, probe.message
        return plan

    async def run(self, plan: str, steps: tuple[Step, ...]) -> None:
        """Run steps, moves of values by the one engine that both databases share."""
        pair = Pair(dict.fromkeys(BackendKind, self.backend))
        for step in steps:
            if (moved := step.forward.flow) is not None:
                await flow.run(pair, plan, step, moved, POLICY, no_progress)
            else:
                await self.backend.run(plan, [step], POLICY)

    @property
    def table(self) -> str:
        """What the database calls the items."""
        return NAMES.native_entity("items", self.backend.kind)

    async def down(self, steps: tuple[Step, ...]) -> str:
        """Run the same steps backward."""
        return await self.up(tuple(step.reversed() for step in reversed(steps)))

    async def offenders(self, steps: tuple[Step, ...]) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Ask the opening questions and return those that found records: how many, and their keys."""
        found = {probe.id: await self.backend.probe(probe) for step in steps for probe in step.forward.before}
        return {name: (result.count, result.keys) for name, result in found.items() if result.count}


def as_steps(kind: BackendKind, action: Action, pieces: tuple[Piece, ...]) -> tuple[Step, ...]:
    """Return pieces as the steps of a plan."""
    return tuple(
        Step(
            id=f"{kind}-{number:02d}",
            backend=kind,
            entity=action.entity,
            action=action,
            phase=piece.phase,
            forward=piece.up,
            back=piece.down,
        )
        for number, piece in enumerate(pieces, start=1)
    )


@asynccontextmanager
async def a_ground(kind: BackendKind, postgres_url: str, mongodb_url: str) -> AsyncGenerator[Ground]:
    """Give the filled database of a kind, with the backend that the product would open."""
    async with mongodb_client(mongodb_url) as client:
        if kind is BackendKind.POSTGRES:
            url, store = postgres_url, PostgresStore(postgres_url)
        else:
            url, store = mongodb_url, MongoStore(client.get_default_database())
        await store.fill()
        backend = open_backend(kind, url, NAMES)
        try:
            yield Ground(backend, store)
        finally:
            await asyncio.wait_for(backend.close(), 10)
