"""The proof of a backup: every file hashed, restored beside the live database, every value of the copy compared."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.databases.postgres import filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from skill_server.backends import open_backend
from skill_server.backends.pair import Pair
from skill_server.backup import scratch, take
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import TargetIdentity

TARGET = TargetIdentity(name="benchmark", environment="development", ledger_id="0123456789abcdef" * 2)
COPY = "peer_copy"


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:
            # MongoDB is empty here, so that what takes time is PostgreSQL.
            mongo = open_backend(BackendKind.MONGODB, database.mongodb_url, NameMap())
            pair = Pair({BackendKind.POSTGRES: database.backend, BackendKind.MONGODB: mongo})
            taken = await take.take(pair, folder, TARGET, ())
            file = folder / "peer.dump"
            await database.run("pg_dump", "--format=custom", f"--file={file}", folder=folder)

            async def product(lap: Lap) -> None:
                with lap.timed():
                    await take.prove(pair, folder, taken)
                await scratch.sweep(pair, TARGET)

            async def peer(lap: Lap) -> None:
                with lap.timed():
                    await database.statement(f"CREATE DATABASE {COPY} TEMPLATE template0")
                    await database.run("pg_restore", "--jobs=2", f"--dbname={COPY}", str(file), folder=folder)
                if await database.count(COPY) != database.items:
                    raise RuntimeError("pg_restore did not bring every row back")
                await database.statement(f"DROP DATABASE {COPY} WITH (FORCE)")

            try:
                yield Rivals(product=product, peer=peer)
            finally:
                await mongo.close()


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="proof",
            what="files hashed, restored, every value of the copy compared / bare `pg_restore -j2` of a `pg_dump -Fc`",
            target=1.5,
            limit=1.9,
        ),
    ),
    rivals=_rivals,
)
