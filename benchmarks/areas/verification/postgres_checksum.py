"""The content checksum of PostgreSQL: a sum for every column, so that it names the one that differs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from benchmarks.databases.postgres import filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale

PRIMARY_KEYS = """
SELECT c.conrelid::regclass::text AS name,
    (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) AS key
FROM pg_constraint c WHERE c.contype = 'p' AND c.connamespace = 'public'::regnamespace"""


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    async with filled(scale) as database:
        connection = await asyncpg.connect(database.url)
        keys = {row["name"]: row["key"] for row in await connection.fetch(PRIMARY_KEYS)}

        async def product(lap: Lap) -> None:
            with lap.timed():
                found = await database.backend.checksums()
            if found.entities["items"].records != database.items:
                raise RuntimeError("the checksum did not read every record")

        async def peer(lap: Lap) -> None:
            with lap.timed():
                found = [
                    await connection.fetchval(
                        f"SELECT md5(string_agg(md5(t::text), '' ORDER BY {key})) FROM {name} AS t"
                    )
                    for name, key in keys.items()
                ]
            if not all(found):
                raise RuntimeError("there was nothing to read")

        try:
            yield Rivals(product=product, peer=peer)
        finally:
            await connection.close()


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="checksum-postgres",
            what="checksum of every column of PostgreSQL / `md5(string_agg(md5(row), '' ORDER BY key))` of every table",
            target=0.6,
            limit=0.8,
        ),
    ),
    rivals=_rivals,
)
