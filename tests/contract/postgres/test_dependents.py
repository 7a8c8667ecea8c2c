"""Each kind of thing that leans on a field: what happens to it when the field is renamed, retired or retyped.

A rename is followed by all that PostgreSQL ties to the column's number. A retired field takes nothing with it that
reads it, so that is refused by name. For a retyped field all is made again from its definition, or refused by name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from skill_server.errors import Refused
from skill_server.model.action import Action, PurgeType, RenameField, RetireField, RetypeField
from skill_server.model.logical import parse
from tests.contract.postgres.leaning import FACTS, KINDS, NARROW, TABLES, TYPED, Leaning
from tests.contract.postgres.undo import Place


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database of two tables that point to each other."""
    made = Place(postgres_database)
    await made.execute(TABLES)
    yield made


async def leaning(place: Place, kind: str, field: str) -> Leaning:
    """Make the dependents of a kind on a column."""
    found = KINDS[kind]
    if await place.value("SHOW server_version_num") < f"{found.since}0000":
        pytest.skip(f"{kind} leans on columns since PostgreSQL {found.since}")
    if kind == "generated-column":
        await place.execute("UPDATE item SET amount = 0 WHERE amount IS NULL")
    await place.execute(found.make.replace("{f}", field))
    return found


async def answer(place: Place, kind: Leaning, field: str) -> Any:
    """Ask what the dependents say while they work."""
    return await place.value(kind.works.replace("{f}", field))


async def everything(place: Place) -> tuple[Any, ...]:
    """Return all rows, the schema, and the comments and privileges that the fingerprint leaves out."""
    rows = [
        await place.value(f"SELECT json_agg(t ORDER BY t::text)::text FROM {table} AS t")
        for table in ("item", "line", "log")
    ]
    return rows, (await place.backend.inspect()).fingerprint, await place.value(FACTS)


def retype(field: str) -> RetypeField:
    """Return a retype to larger numbers."""
    return RetypeField(entity="item", field=field, was=parse("Integer"), to=parse("BigInteger"))


@pytest.mark.parametrize("field", ["amount", "id"])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_leans_on_a_renamed_field_goes_on_working(place: Place, kind: str, field: str) -> None:
    """PostgreSQL ties it to the number of the column, so it works under the new name and is as before under the old."""
    found = await leaning(place, kind, field)
    before, said = await everything(place), await answer(place, found, field)
    assert found.answer is None or said == found.answer[field]
    action = RenameField(entity="item", field=field, to="renamed")
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    expected = said if found.answer else said.replace(field, "renamed")
    assert await answer(place, found, "renamed") == expected

    await place.down(action, pieces)
    assert await everything(place) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_what_reads_a_field_keeps_it_from_being_retired(place: Place, kind: str) -> None:
    """A view of a hidden field would go on showing it, and a policy on judging by it; so nothing is touched."""
    found = await leaning(place, kind, "amount")
    await refused(place, RetireField(entity="item", field="amount"), found.named)


@pytest.mark.parametrize("field", ["amount", "id"])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_reads_a_retyped_field_is_made_again_or_named(place: Place, kind: str, field: str) -> None:
    """It works on the new type, and after the way back it is as it was, with comments, privileges and indexes."""
    found = await leaning(place, kind, field)
    action = retype(field)
    if found.retype_refused or (found.key_refused and field == "id"):
        await refused(place, action, found.named)
        return
    before, said = await everything(place), await answer(place, found, field)
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    changed = await everything(place)
    assert await answer(place, found, field) == said
    assert changed[2] == before[2]

    await place.down(action, pieces)
    assert await everything(place) == before
    assert await answer(place, found, field) == said

    await place.up(action, pieces)
    assert await everything(place) == changed


async def refused(place: Place, action: Action, named: str) -> None:
    """Check that an action is refused by the name of what leans on its field, and nothing is touched."""
    before = await everything(place)
    with pytest.raises(Refused) as refusal:
        await place.pieces(action)
    assert refusal.value.code == "field-has-dependents"
    assert named in refusal.value.message
    assert await everything(place) == before


async def test_a_rule_does_not_act_on_what_a_migration_carries_over(place: Place) -> None:
    """A rule that does something else instead of an update would leave the new column empty."""
    await place.execute("CREATE RULE nothing AS ON UPDATE TO item DO INSTEAD NOTHING")
    before = await everything(place)
    action = retype("amount")
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    assert await place.value("SELECT sum(amount)::text FROM item") == "30"
    await place.execute("INSERT INTO item (id, amount) VALUES (4, 40)")
    await place.down(action, pieces)
    assert await place.value("SELECT sum(amount)::text FROM item") == "70"
    await place.execute("DELETE FROM item WHERE id = 4")
    assert await everything(place) == before


async def test_privileges_and_statistics_of_a_column_go_over_to_its_new_type(place: Place) -> None:
    """Who may read a column may still read it, and the planner knows what it knew."""
    await place.execute(
        "GRANT SELECT (amount), UPDATE (amount) ON item TO pg_monitor",
        "CREATE STATISTICS sizes ON amount, note FROM item",
        "ALTER STATISTICS sizes SET STATISTICS 50",
        "COMMENT ON STATISTICS sizes IS 'go together'",
        "COMMENT ON COLUMN item.amount IS 'how many'",
    )
    before = await everything(place)
    action = retype("amount")
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    assert (await everything(place))[2] == before[2]
    assert await place.value("SELECT has_column_privilege('pg_monitor', 'item', 'amount', 'UPDATE')")
    assert await place.value("SELECT stxstattarget FROM pg_statistic_ext WHERE stxname = 'sizes'") == 50
    await place.down(action, pieces)
    assert await everything(place) == before


async def test_hidden_generated_columns_are_deleted_with_the_column_that_they_read(place: Place) -> None:
    """The one that is computed has to go first."""
    await leaning(place, "generated-column", "amount")
    action = retype("amount")
    await place.up(action, await place.pieces(action))
    purge = PurgeType(entity="item", field="amount", to=parse("BigInteger"))
    await place.up(purge, await place.pieces(purge))
    entity = (await place.backend.inspect()).entity("item")
    assert entity is not None
    assert sorted(field.name for field in entity.fields) == ["amount", "id", "last", "note", "twice"]
    assert await place.value("SELECT max(twice) FROM pairs") == 40


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("CREATE TABLE parts (id integer, amount integer) PARTITION BY LIST (id)", "is partitioned"),
        (
            "CREATE TABLE parts (id integer, amount integer); CREATE TABLE part () INHERITS (parts)",
            "inherited from",
        ),
    ],
    ids=["partitioned", "inheriting"],
)
async def test_a_table_that_shares_its_columns_with_others_is_refused_with_the_reason(
    place: Place, made: str, reason: str
) -> None:
    """A change would reach tables that nobody named."""
    await place.execute(made)
    action = RetypeField(entity="parts", field="amount", was=parse("Integer"), to=parse("BigInteger"))
    with pytest.raises(Refused) as refusal:
        await place.pieces(action)
    assert refusal.value.code == "table-inherits"
    assert reason in refusal.value.message


@pytest.mark.parametrize(
    ("kind", "to"), [(kind, to) for kind, narrow in TYPED.items() for to in narrow.follows]
)
async def test_what_is_made_for_a_type_follows_to_a_type_of_its_kind(
    place: Place, kind: str, to: str
) -> None:
    """It is built again on the new type, and after the way back it is as it was."""
    found = TYPED[kind]
    await place.execute(NARROW, found.make)
    before = (await place.backend.inspect()).fingerprint
    action = RetypeField(entity="stock", field=found.field, was=parse(found.was), to=parse(to))
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.down(action, pieces)
    assert (await place.backend.inspect()).fingerprint == before


@pytest.mark.parametrize(
    ("kind", "to"), [(kind, to) for kind, narrow in TYPED.items() for to in narrow.stuck]
)
async def test_what_is_made_for_a_type_keeps_its_field_from_another_kind_of_type(
    place: Place, kind: str, to: str
) -> None:
    """The server would refuse to build it again in the middle of the run, and would not say what it was."""
    found = TYPED[kind]
    await place.execute(NARROW, found.make)
    action = RetypeField(entity="stock", field=found.field, was=parse(found.was), to=parse(to))
    await refused(place, action, found.named)
