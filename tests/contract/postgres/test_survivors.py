"""Healthy schemas that a dump and restore changes the look of: each of them can be backed up, and proven."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from skill_server.backends import open_backend
from skill_server.backends.postgres.backup.load import load
from skill_server.backends.postgres.connection import Connections
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult
from skill_server.model.snapshot import Snapshot
from skill_server.verify.flaws import flaws
from skill_server.verify.parts import differences, parts_of
from tests.contract.postgres.hard import taken_in_parts
from tests.contract.postgres.sample import execute, fingerprint_of, private, scratch_copy, sums
from tests.support.older_postgres import older_postgres
from tests.support.servers import fresh_postgres_database

SCHEMAS = {
    # What SQLAlchemy writes for an enum that is no type of the server's.
    "a list of texts in a check": """
        CREATE TABLE orders (
            id int PRIMARY KEY, state varchar(10) DEFAULT 'new' CHECK (state IN ('new', 'done')),
            open bool GENERATED ALWAYS AS (state NOT IN ('done', 'gone')) STORED,
            tags text[] DEFAULT ARRAY['a'::varchar, 'b'::varchar]
        );
        CREATE INDEX open_orders ON orders (id) WHERE state IN ('new', 'done');
        INSERT INTO orders VALUES (1, 'new'), (2, 'done')""",
    "a list of texts in a domain": """
        CREATE DOMAIN condition AS varchar(9) CHECK (VALUE IN ('new', 'done'));
        CREATE TABLE conditions (id int PRIMARY KEY, now condition);
        INSERT INTO conditions VALUES (1, 'new')""",
    "a list of texts in a function of SQL's own form": """
        CREATE FUNCTION is_open(state varchar, known text[] DEFAULT ARRAY['a'::varchar]) RETURNS bool LANGUAGE sql
        BEGIN ATOMIC SELECT state IN ('new', 'done') OR state = ANY (known); END""",
    "an index that was interrupted": """
        CREATE TABLE twice (a int); INSERT INTO twice VALUES (1), (1);
        CREATE UNIQUE INDEX CONCURRENTLY half_built ON twice (a);
        COMMENT ON INDEX half_built IS 'not finished'""",
    "an index of a partitioned table that its partitions lack": """
        CREATE TABLE whole (id int) PARTITION BY RANGE (id); CREATE INDEX of_whole ON ONLY whole (id);
        CREATE TABLE half PARTITION OF whole FOR VALUES FROM (0) TO (9)""",
    "a parent that got a column later": """
        CREATE TABLE elder (a int); CREATE TABLE younger (extra int) INHERITS (elder);
        CREATE TABLE youngest (id int PRIMARY KEY, more text) INHERITS (younger);
        ALTER TABLE elder ADD COLUMN b text;
        INSERT INTO elder VALUES (1, 'x'); INSERT INTO younger VALUES (1, 2, 'x'), (1, 2, 'x'), (NULL, 3, '(");');
        INSERT INTO youngest VALUES (1, 2, 3, 'more', 'y')""",
    "partitions by the hash of an enum": """
        CREATE TYPE size AS ENUM ('s', 'm', 'l', 'xl');
        CREATE TABLE shirts (id int, size size, made date) PARTITION BY HASH (size);
        CREATE TABLE shirts_0 PARTITION OF shirts FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (made);
        CREATE TABLE shirts_0_new PARTITION OF shirts_0 FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
        CREATE TABLE shirts_0_old PARTITION OF shirts_0 DEFAULT;
        CREATE TABLE shirts_1 PARTITION OF shirts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        INSERT INTO shirts SELECT i, (enum_range(NULL::size))[1 + i % 4], '2019-12-01'::date + i
        FROM generate_series(1, 200) AS i""",
    "an event trigger that writes every command down": """
        CREATE TABLE ddl_log (at timestamptz DEFAULT now(), tag text);
        CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO public.ddl_log (tag) VALUES (tg_tag); END$$;
        CREATE MATERIALIZED VIEW summed AS SELECT 1 AS a;
        CREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION log_ddl()""",
}


async def made(url: str, schema: str) -> None:
    """Make a schema, each statement in a transaction of its own."""
    for statement in schema.split(";\n"):
        try:
            await execute(url, statement)
        except asyncpg.UniqueViolationError:
            assert "CONCURRENTLY" in statement


async def snapshot_of(url: str, database: str) -> Snapshot:
    """Read the schema of a database on that server."""
    backend = open_backend(BackendKind.POSTGRES, url, NameMap()).at(database)
    try:
        return await backend.inspect()
    finally:
        await backend.close()


async def restored(url: str, place: Path) -> DumpResult:
    """Back up, with every table beside the archive that can be; restore, and compare all that is compared."""
    source = Connections(url)
    before = await snapshot_of(url, source.database)
    taken = await taken_in_parts(source, place)
    async with scratch_copy(source) as copy:
        await load(copy, place)
        assert await sums(copy) == taken.checksums == await sums(source)
        assert await fingerprint_of(copy) == taken.fingerprint == before.fingerprint
        assert differences(parts_of(before), await snapshot_of(url, copy.database)) == ()
    return taken


@pytest.mark.parametrize("name", SCHEMAS)
async def test_a_healthy_schema_is_equal_after_a_restore(
    postgres_database: str, tmp_path: Path, name: str
) -> None:
    """Else its backup could never be proven, and nothing would ever be migrated."""
    await made(postgres_database, SCHEMAS[name])
    await restored(postgres_database, private(tmp_path))


async def test_all_of_them_are_equal_on_an_older_server(tmp_path: Path) -> None:
    """An older server prints, and its catalogs hold, other things."""
    async with older_postgres() as older, fresh_postgres_database(older) as url:
        for schema in SCHEMAS.values():
            await made(url, schema)
        await restored(url, private(tmp_path))


async def test_an_interrupted_index_is_told_although_no_backup_holds_it(postgres_database: str) -> None:
    """It costs every write and serves nobody, so somebody has to drop it or build it again."""
    await made(postgres_database, SCHEMAS["an index that was interrupted"])
    snapshot = await snapshot_of(postgres_database, Connections(postgres_database).database)

    assert flaws({BackendKind.POSTGRES: snapshot}) == ("postgres: index half_built of twice is invalid",)


async def test_only_a_constraint_that_is_meant_to_hold_has_to_be_validated(
    postgres_database: str, tmp_path: Path
) -> None:
    """NOT ENFORCED came with PostgreSQL 18, whose catalog calls such a constraint not validated either."""
    source = Connections(postgres_database)
    async with source.session(purpose="test") as connection:
        enforces = connection.get_server_version().major < 18
    never = "NOT VALID" if enforces else "NOT ENFORCED"
    await execute(
        postgres_database,
        "CREATE TABLE made (a int UNIQUE, b int); INSERT INTO made VALUES (1, -1);"
        "ALTER TABLE made ADD CONSTRAINT late CHECK (b > 0) NOT VALID;"
        f"ALTER TABLE made ADD CONSTRAINT never CHECK (b > 5) {never};"
        f"ALTER TABLE made ADD CONSTRAINT nobody FOREIGN KEY (b) REFERENCES made (a) {never}",
    )
    await restored(postgres_database, private(tmp_path))
    found = flaws({BackendKind.POSTGRES: await snapshot_of(postgres_database, source.database)})

    unproven = ["late", "never", "nobody"] if enforces else ["late"]
    assert found == tuple(f"postgres: constraint {name} of made was never validated" for name in unproven)
