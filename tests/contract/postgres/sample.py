"""A database with what makes a backup hard, and the ways to it that the tests share."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from skill_server.backends.base import scratch_name
from skill_server.backends.postgres.backup import scratch
from skill_server.backends.postgres.connection import Connections
from skill_server.backends.postgres.schema import fingerprint
from skill_server.backends.postgres.verify import checksum
from skill_server.model.names import NameMap
from skill_server.model.receipt import Checksums

TABLES = """
CREATE TABLE items (
    id bigint PRIMARY KEY, "ItemName" varchar(80), amount int, price numeric(10, 2), weight double precision,
    seen timestamptz, span interval, raw bytea, tags text[], facts jsonb
);
INSERT INTO items SELECT i, 'item ' || i, i % 7, i / 100.0, sqrt(i),
    '2024-03-31 01:30Z'::timestamptz + i * interval '1 h',
    i * interval '1 min', decode(md5(i::text), 'hex'), ARRAY['a', i::text], jsonb_build_object('n', i)
FROM generate_series(1, 2000) AS i;
CREATE UNIQUE INDEX ON items ("ItemName");
CREATE TABLE log (line text, level int);
INSERT INTO log VALUES ('same', 1), ('same', 1), ('same', 1), ('other', 2), (NULL, NULL), ('', 3);
CREATE TABLE pairs (a uuid, b text, note text, PRIMARY KEY (b, a));
INSERT INTO pairs SELECT md5(i::text)::uuid, 'b' || i, 'n' || i FROM generate_series(1, 50) AS i;
CREATE TABLE parts (id int, place text, PRIMARY KEY (id, place)) PARTITION BY LIST (place);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_b PARTITION OF parts FOR VALUES IN ('b');
INSERT INTO parts VALUES (1, 'a'), (2, 'b'), (3, 'b');
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2, 'x'), (3, 'y');
CREATE SCHEMA side;
CREATE TABLE side.notes (id int PRIMARY KEY, body text);
INSERT INTO side.notes VALUES (1, 'ü'), (2, E'tab\\tline\\nend');
CREATE SCHEMA database_migration;
CREATE TABLE database_migration.event (seq bigint PRIMARY KEY, mac text);
INSERT INTO database_migration.event VALUES (1, 'live');
SELECT lo_from_bytea(0, 'a large object');
"""


async def execute(url: str, statement: str) -> None:
    """Run statements in a session of their own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def value(url: str, query: str) -> Any:
    """Return the one value a query asks for."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def filled(url: str) -> Connections:
    """Fill a database with the sample and return the way to it."""
    await execute(url, TABLES)
    return Connections(url)


async def sums(connections: Connections, *entities: str) -> Checksums:
    """Take checksums under the names the database itself uses."""
    return await checksum.checksums(connections, NameMap(), entities or None)


def private(path: Path) -> Path:
    """Make a folder of our own below a test's."""
    folder = path / "backup"
    folder.mkdir(mode=0o700)
    return folder


@asynccontextmanager
async def scratch_copy(connections: Connections) -> AsyncGenerator[Connections]:
    """Give the way to a scratch database that does not exist yet, and drop what became of it."""
    copy = connections.at(scratch_name("test", uuid.uuid4().hex[:8]))
    try:
        yield copy
    finally:
        if copy.database in await scratch.scratch(copy):
            await scratch.drop(copy)


async def fingerprint_of(connections: Connections) -> str:
    """Return the schema's fingerprint."""
    async with connections.session(purpose="test") as connection:
        return await fingerprint.read(connection)


async def database_exists(connections: Connections, database: str) -> bool:
    """Say whether the server has the database."""
    async with connections.session(purpose="test") as connection:
        return bool(
            await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", database)
        )
