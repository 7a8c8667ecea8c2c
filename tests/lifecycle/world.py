"""Two databases with the same records, and migrations planned for both and run as the server runs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase

from skill_server.backends import open_backend
from skill_server.backends.base import RunPolicy
from skill_server.backends.pair import Pair
from skill_server.errors import Refused
from skill_server.model.change import Change
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.plan import Plan, TargetIdentity
from skill_server.model.receipt import Checksums
from skill_server.plan import build
from skill_server.run import saga
from skill_server.run.saga import Ending, RunReport
from tests.support.servers import mongodb_client

REVISION = "20260101_change"
TARGET = TargetIdentity(name="development", environment="development", ledger_id="ledger-1")
# Small batches, so that a handful of records needs several of them.
POLICY = RunPolicy(lock_timeout_s=0.1, lock_budget_s=1.0, batch_records=3)
NAMES = NameMap(
    entities={
        "items": EntityNames(postgres="items", mongodb="item"),
        "owners": EntityNames(postgres="owners", mongodb="owner"),
    }
)


@dataclass(frozen=True)
class State:
    """What must come back: both schemas, the product's own checksums, and every record as the server holds it."""

    fingerprints: dict[BackendKind, str]
    checksums: dict[BackendKind, Checksums]
    records: dict[str, list[Any]]


@dataclass
class World:
    """The pair under test, and a way past it for what an application does meanwhile."""

    pair: Pair
    postgres_url: str
    mongodb: AsyncDatabase[dict[str, Any]]

    async def execute(self, *statements: str) -> None:
        """Do in PostgreSQL what an application would do."""
        connection = await asyncpg.connect(self.postgres_url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def value(self, query: str) -> Any:
        """Ask PostgreSQL for one value."""
        connection = await asyncpg.connect(self.postgres_url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def state(self) -> State:
        """Read everything but the ledger and what is kept aside."""
        sums = {
            kind: Checksums(
                entities={
                    name: value for name, value in found.entities.items() if not name.startswith(KEPT_NAME)
                }
            )
            for kind, found in (await self.pair.checksums()).items()
        }
        records = {**await self._rows(), **await self._documents()}
        return State(await self.pair.fingerprints(), sums, records)

    async def plan(self, *changes: Change, revision: str = REVISION) -> Plan:
        """Plan an upgrade of both databases as they are now."""
        snapshots = await self.pair.inspect()
        return build.upgrade(request(changes, revision), snapshots, renders(self.pair, revision))

    async def finalizing(self, *changes: Change, revision: str = REVISION) -> Plan:
        """Plan the deletion of what the changes hid."""
        snapshots = await self.pair.inspect()
        return build.finalize(request(changes, revision), snapshots, renders(self.pair, revision))

    async def back(self, plan: Plan) -> Plan:
        """Plan the way back from here."""
        return build.downgrade(plan, source=await self.pair.fingerprints(), policy=plan.policy)

    async def run(self, plan: Plan) -> RunReport:
        """Ask the opening questions, then carry the plan out."""
        await saga.check_before(self.pair, plan)
        return await saga.carry_out(self.pair, plan, POLICY)

    async def applied(self, plan: Plan) -> None:
        """Carry a plan out that nothing hinders."""
        report = await self.run(plan)
        assert report.ending is Ending.APPLIED, report

    async def up(self, *changes: Change) -> Plan:
        """Plan an upgrade and carry it out."""
        plan = await self.plan(*changes)
        await self.applied(plan)
        return plan

    async def down(self, plan: Plan) -> None:
        """Take an applied plan back and forget the marks of both, as the server does once the outcome is known."""
        back = await self.back(plan)
        await self.applied(back)
        for done in (plan, back):
            await saga.forget(self.pair, done)

    async def in_the_way_back(self, plan: Plan) -> list[str]:
        """Return what the way back lists instead of running; nothing where it would run."""
        try:
            await saga.check_before(self.pair, await self.back(plan))
        except Refused as refusal:
            if refusal.code != "records-in-the-way":
                raise
            return list(refusal.detail["offenders"])
        return []

    async def _rows(self) -> dict[str, list[Any]]:
        connection = await asyncpg.connect(self.postgres_url)
        try:
            tables = await connection.fetch(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
            rows = {
                table["relname"]: await connection.fetch(
                    f"""SELECT to_json(t)::text AS line FROM public."{table["relname"]}" AS t"""
                )
                for table in tables
            }
        finally:
            await connection.close()
        return {f"postgres {name}": sorted(row["line"] for row in found) for name, found in rows.items()}

    async def _documents(self) -> dict[str, list[Any]]:
        options: Any = CodecOptions(document_class=RawBSONDocument)
        found: dict[str, list[Any]] = {}
        for name in await self.mongodb.list_collection_names():
            if not name.startswith("database_migration"):
                cursor: Any = self.mongodb.get_collection(name, codec_options=options).find()
                found[f"mongodb {name}"] = sorted([document.raw async for document in cursor])
        return found


def request(changes: Sequence[Change], revision: str = REVISION) -> build.Request:
    """Return what a migration of these changes asks for."""
    return build.Request(revision=revision, subject="d" * 32, changes=tuple(changes), target=TARGET)


def renders(pair: Pair, revision: str = REVISION) -> dict[BackendKind, build.Render]:
    """Return how both backends render for a revision."""
    return {
        backend.kind: lambda action, snapshot, backend=backend: backend.render(
            action, snapshot, migration=revision
        )
        for backend in pair
    }


@asynccontextmanager
async def a_world(postgres_url: str, mongodb_url: str, names: NameMap = NAMES) -> AsyncGenerator[World]:
    """Give the pair of two databases that hold nothing yet."""
    pair = Pair(
        {
            BackendKind.POSTGRES: open_backend(BackendKind.POSTGRES, postgres_url, names),
            BackendKind.MONGODB: open_backend(BackendKind.MONGODB, mongodb_url, names),
        }
    )
    async with mongodb_client(mongodb_url) as client:
        try:
            yield World(pair, postgres_url, client.get_default_database())
        finally:
            await pair.close()
