"""Reading a schema on a real PostgreSQL: what the snapshot says, and what its fingerprint tells apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skill_server.backends.postgres.backup import client_tools
from skill_server.backends.postgres.connection import Connections
from skill_server.model.ids import BackendKind
from skill_server.model.names import EntityNames, NameMap
from tests.contract.postgres.undo import SHOP, Place

MORE = """
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE VIEW cheap AS SELECT i.id, i.price FROM item AS i WHERE i.price < 5 AND i.status IN ('new', 'old');
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM item;
CREATE POLICY seen ON item FOR SELECT USING (amount > 0);
CREATE STATISTICS together ON amount, price FROM item;
CREATE SCHEMA side;
CREATE TABLE side.notes (id integer PRIMARY KEY, body text COLLATE "C");
CREATE SCHEMA database_migration;
CREATE TABLE database_migration.journal (a integer);
"""


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database that holds the shop and more kinds of objects."""
    made = Place(postgres_database)
    await made.execute(SHOP, MORE)
    yield made


async def test_the_snapshot_says_what_a_change_has_to_carry_along(place: Place) -> None:
    """Rendering does no input or output, so everything it needs is in the snapshot."""
    snapshot = await place.backend.inspect()
    assert [entity.name for entity in snapshot.entities] == ["item", "keyless", "line", "type", "notes"]
    item = snapshot.entity("item")
    assert item is not None
    assert item.key == ("id",)
    assert [field.name for field in item.fields][:4] == ["id", "ItemName", "Type", "price"]
    price, number = item.field("price"), item.field("id")
    assert price is not None
    assert number is not None
    assert (str(price.type), price.nullable, price.default) == ("Decimal(10,2)", False, "9.90")
    assert (number.identity, number.generated) == (True, False)
    index = item.index("item_note")
    assert index is not None
    assert (index.unique, set(index.fields)) == (True, {"note", "status"})
    keys = {constraint.name: constraint for constraint in item.constraints}
    assert (keys["item_Type_fkey"].references, keys["item_Type_fkey"].on_delete) == ("type", "CASCADE")
    leaning = {(dependent.kind, dependent.name) for dependent in item.dependents}
    assert {
        ("foreign_key", "line.line_code_fkey"),
        ("view", "public.cheap"),
        ("view", "public.shown"),
        ("policy", "seen on public.item"),
        ("statistics object", "public.together"),
        ("generated column", "doubled"),
        ("trigger function", "public.touch"),
    } <= leaning


async def test_entities_and_fields_are_called_by_their_logical_names(place: Place) -> None:
    """The core knows one name for both databases."""
    fields = {"title": {BackendKind.POSTGRES: "ItemName"}}
    names = NameMap(entities={"product": EntityNames(postgres="item", mongodb="items", fields=fields)})
    product = (await Place(place.url, names).backend.inspect()).entity("product")
    assert product is not None
    assert product.native_name == "item"
    title = product.field("title")
    assert title is not None
    assert title.native_name == "ItemName"
    assert any("title" in index.fields for index in product.indexes)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE item ALTER COLUMN note SET DEFAULT 'x'",
        "ALTER TABLE item ALTER COLUMN price DROP NOT NULL",
        "ALTER TABLE item DROP CONSTRAINT no_debts, ADD CONSTRAINT no_debts CHECK (price > -1)",
        "DROP INDEX item_lower",
        'CREATE OR REPLACE VIEW shown AS SELECT i.id, t."TypeName", i.doubled AS amount FROM item AS i '
        'JOIN type AS t ON t."TypeName" = i."Type"',
        "ALTER TABLE item DISABLE TRIGGER item_touch",
        "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "ALTER POLICY seen ON item USING (amount > 1)",
        "ALTER TABLE item ENABLE ROW LEVEL SECURITY",
        "ALTER TYPE mood ADD VALUE 'bored'",
        "ALTER DOMAIN positive DROP CONSTRAINT positive_check",
        "ALTER SEQUENCE type_id_seq INCREMENT 5",
        "COMMENT ON COLUMN item.note IS 'other'",
        "COMMENT ON CONSTRAINT no_debts ON item IS NULL",
        "ALTER TABLE side.notes ADD COLUMN more text",
        "DROP STATISTICS together",
        "CREATE TABLE another (id integer)",
        "ALTER TABLE line DROP CONSTRAINT line_code_fkey, ADD CONSTRAINT line_code_fkey FOREIGN KEY (code) "
        "REFERENCES item (code) ON DELETE CASCADE NOT VALID",
    ],
)
async def test_a_changed_schema_has_another_fingerprint(place: Place, statement: str) -> None:
    """Drift that the fingerprint does not see would pass every gate."""
    before = (await place.backend.inspect()).fingerprint
    await place.execute(statement)
    assert (await place.backend.inspect()).fingerprint != before


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO keyless VALUES ('b', 2)",
        "SELECT nextval('type_id_seq')",
        "ANALYZE",
        "CREATE TABLE database_migration.kept_1 (key jsonb)",
        "COMMENT ON TABLE database_migration.journal IS 'ours'",
    ],
)
async def test_rows_and_the_ledger_do_not_change_the_fingerprint(place: Place, statement: str) -> None:
    """A plan outlives writes to the tables and the product's own notes."""
    before = (await place.backend.inspect()).fingerprint
    await place.execute(statement)
    assert (await place.backend.inspect()).fingerprint == before


async def test_a_restored_copy_has_the_same_fingerprint(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Object ids, column numbers and some spellings differ in a copy; the schema does not."""
    await place.execute("ALTER TABLE item ADD COLUMN gone integer", "ALTER TABLE item DROP COLUMN gone")
    connections = Connections(place.url)
    copy = f"{connections.database}_copy"
    async with connections.session(purpose="test") as connection:
        tools = await client_tools.find(connection.get_server_version().major)
    archive = tmp_path_factory.mktemp("archive") / "shop.dump"
    async with connections.maintenance(purpose="test") as connection:
        await connection.execute(f'CREATE DATABASE "{copy}"')
        try:
            await _run(
                connections, tools.dump, "-Fc", "--exclude-schema=database_migration", f"--file={archive}"
            )
            await _run(connections.at(copy), tools.restore, f"--dbname={copy}", str(archive))
            restored = await place.backend.at(copy).inspect()
        finally:
            await connection.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
    assert restored.fingerprint == (await place.backend.inspect()).fingerprint


async def _run(connections: Connections, program: object, *arguments: str) -> None:
    child = await asyncio.create_subprocess_exec(str(program), *arguments, env=connections.environment())
    assert await child.wait() == 0
