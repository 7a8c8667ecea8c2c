"""Retiring a field against everything in PostgreSQL that goes on acting on a column after it was hidden."""

from __future__ import annotations

import asyncpg
import pytest

from skill_server.errors import Refused
from tests.lifecycle.catalogue import a_change
from tests.lifecycle.world import World


async def test_a_required_field_takes_its_not_null_along_and_brings_it_back(world: World) -> None:
    """Code that does not know the field any more could not write a single record."""
    plan = await world.up(a_change("drop_field", field="ItemName", fill="unnamed"))
    await world.execute("""INSERT INTO items ("ItemID", "Serial") VALUES (50, 'S0050')""")
    await world.down(plan)
    with pytest.raises(asyncpg.NotNullViolationError):
        await world.execute("""INSERT INTO items ("ItemID", "Serial") VALUES (51, 'S0051')""")


async def test_a_unique_field_takes_its_constraint_along_and_brings_it_back(world: World) -> None:
    """A hidden constraint would refuse records for a reason that nobody can see."""
    plan = await world.up(a_change("drop_field", field="Serial"))
    assert await world.value("SELECT count(*) FROM pg_constraint WHERE conname = 'items_Serial_key'") == 0
    await world.down(plan)
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.execute(
            """INSERT INTO items ("ItemID", "ItemName", "Serial") VALUES (50, 'new', 'S0001')"""
        )


async def test_deleting_a_parent_deletes_no_record_whose_reference_is_hidden(world: World) -> None:
    """A hidden foreign key with ON DELETE CASCADE would still delete records, which is loss without a trace."""
    plan = await world.up(a_change("drop_field", field="OwnerID"))
    records = await world.value("SELECT count(*) FROM items")
    await world.execute('DELETE FROM owners WHERE "OwnerID" = 1')
    assert await world.value("SELECT count(*) FROM items") == records

    (listed,) = await world.in_the_way_back(plan)
    assert "point to a record that is gone" in listed
    assert "first keys: 1, 5" in listed
    with pytest.raises(Refused, match="records-in-the-way"):
        await world.down(plan)

    await world.execute("INSERT INTO owners VALUES (1, 'somebody else')")
    await world.down(plan)
    assert await world.value('SELECT count(*) FROM items WHERE "OwnerID" = 1') == 2
    await world.execute('DELETE FROM owners WHERE "OwnerID" = 1')
    assert await world.value("SELECT count(*) FROM items") == records - 2


async def test_a_view_on_the_field_is_refused_by_its_name(world: World) -> None:
    """A view follows the column, not its name, and would go on showing what was dropped."""
    await world.execute('CREATE VIEW described AS SELECT "ItemID", upper("ItemDesc") AS shown FROM items')
    before = await world.state()
    with pytest.raises(Refused, match=r"view public\.described") as refusal:
        await world.plan(a_change("drop_field", field="ItemDesc"))
    assert refusal.value.code == "field-has-dependents"
    assert await world.state() == before


async def test_a_view_on_a_view_on_the_field_is_refused_too(world: World) -> None:
    """What leans on what leans on the field would break as well."""
    await world.execute(
        'CREATE VIEW described AS SELECT "ItemID", "ItemDesc" FROM items',
        "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM described",
    )
    with pytest.raises(Refused, match="described"):
        await world.plan(a_change("drop_field", field="ItemDesc"))


async def test_a_checked_field_takes_its_check_along_and_brings_it_back(world: World) -> None:
    """A check on a hidden field may refuse records by the default that it no longer has."""
    before = await world.value(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'no_debts'"
    )
    plan = await world.up(a_change("drop_field", field="Quantity"))
    assert await world.value("SELECT count(*) FROM pg_constraint WHERE conname = 'no_debts'") == 0
    await world.down(plan)
    after = await world.value(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'no_debts'"
    )
    assert after == before
    with pytest.raises(asyncpg.CheckViolationError):
        await world.execute('UPDATE items SET "Quantity" = -1')


async def test_a_check_over_two_fields_lists_records_that_broke_it_meanwhile(world: World) -> None:
    """The other field went on changing while the check was off."""
    await world.execute(
        """ALTER TABLE items ADD CONSTRAINT named CHECK ("ItemDesc" IS NULL OR "Flag" IS DISTINCT FROM 'no')"""
    )
    plan = await world.up(a_change("drop_field", field="ItemDesc"))
    await world.execute("""UPDATE items SET "Flag" = 'no' WHERE "ItemID" IN (2, 4)""")
    (listed,) = await world.in_the_way_back(plan)
    assert "violate the check named (first keys: 2)" in listed


@pytest.mark.parametrize(
    "definition",
    [
        """CREATE INDEX trap ON items (lower("ItemDesc"))""",
        """CREATE INDEX trap ON items ("ItemID") WHERE "ItemDesc" IS NOT NULL""",
        """CREATE INDEX trap ON items ("ItemID") INCLUDE ("ItemDesc")""",
        """CREATE UNIQUE INDEX trap ON items ("ItemID" DESC, "ItemDesc" COLLATE "C" NULLS FIRST)""",
        """CREATE INDEX trap ON items USING hash ("ItemDesc") WITH (fillfactor = 70)""",
    ],
    ids=["expression", "predicate", "included", "ordered", "hash"],
)
async def test_an_index_that_names_the_field_anywhere_goes_and_comes_back_as_it_was(
    world: World, definition: str
) -> None:
    """Expressions and predicates name fields too, where a look at the keys alone finds nothing."""
    await world.execute(definition)
    before = await world.state()
    text = await world.value("SELECT pg_get_indexdef('trap'::regclass)")
    plan = await world.up(a_change("drop_field", field="ItemDesc"))
    assert await world.value("SELECT to_regclass('trap') IS NULL")
    await world.down(plan)
    assert await world.value("SELECT pg_get_indexdef('trap'::regclass)") == text
    assert await world.state() == before


async def test_a_generated_field_that_depends_on_it_is_refused_by_its_name(world: World) -> None:
    """A generated field would go on being computed from what nobody sees."""
    await world.execute(
        'ALTER TABLE items ADD COLUMN shout text GENERATED ALWAYS AS (upper("ItemDesc")) STORED'
    )
    with pytest.raises(Refused, match="shout") as refusal:
        await world.plan(a_change("drop_field", field="ItemDesc"))
    assert refusal.value.code == "field-has-dependents"


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (['CREATE POLICY own ON items USING ("ItemDesc" IS NOT NULL)'], "own"),
        (
            [
                "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
                'CREATE TRIGGER noticed AFTER UPDATE OF "ItemDesc" ON items EXECUTE FUNCTION seen()',
            ],
            "noticed",
        ),
        (
            ["CREATE RULE kept AS ON DELETE TO items WHERE OLD.\"ItemDesc\" = 'keep' DO INSTEAD NOTHING"],
            "kept",
        ),
        (
            [
                "CREATE FUNCTION told() RETURNS bigint LANGUAGE sql "
                'BEGIN ATOMIC SELECT count("ItemDesc") FROM items; END'
            ],
            "told",
        ),
    ],
    ids=["policy", "trigger", "rule", "standard-function"],
)
async def test_what_else_acts_on_the_field_is_refused_by_its_name(
    world: World, statements: list[str], named: str
) -> None:
    """Policies, triggers, rules and functions would break later, in the middle of somebody's work."""
    await world.execute(*statements)
    with pytest.raises(Refused, match=named) as refusal:
        await world.plan(a_change("drop_field", field="ItemDesc"))
    assert refusal.value.code == "field-has-dependents"


async def test_a_field_that_a_sequence_fills_counts_on_where_it_stopped(world: World) -> None:
    """The default draws numbers; coming back it must neither start anew nor give a number twice."""
    await world.execute('ALTER TABLE items ADD COLUMN "Ticket" serial')
    await world.mongodb.command("collMod", "item", validator={})
    await world.mongodb["item"].update_many({}, {"$set": {"Ticket": 1}})
    before = await world.state()
    plan = await world.up(a_change("drop_field", field="Ticket"))
    await world.down(plan)
    assert await world.state() == before
    await world.execute("""INSERT INTO items ("ItemID", "ItemName", "Serial") VALUES (50, 'new', 'S0050')""")
    assert await world.value('SELECT "Ticket" FROM items WHERE "ItemID" = 50') == 9


async def test_a_name_as_long_as_a_name_may_be_is_hidden_and_comes_back(world: World) -> None:
    """The hidden name is longer than the field's and would be cut silently, in the middle of a letter."""
    name = "é" * 31
    await world.execute(f'ALTER TABLE items RENAME COLUMN "ItemDesc" TO "{name}"')
    await world.mongodb.command("collMod", "item", validator={})
    await world.mongodb["item"].update_many({}, {"$rename": {"ItemDesc": name}})
    before = await world.state()
    plan = await world.up(a_change("drop_field", field=name))
    await world.down(plan)
    assert await world.state() == before
