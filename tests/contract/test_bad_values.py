"""What becomes of values that do not convert, on every backend: refused or replaced, told first, never lost."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from bson import Int64

from skill_server.errors import MigrationError
from skill_server.model.action import PurgeType, RetypeField
from skill_server.model.logical import BadValues, parse
from skill_server.model.plan import Probe, Step
from tests.contract.cases.ground import Ground, MongoStore, PostgresStore


def retyping(on_bad: BadValues, default: Any = None) -> RetypeField:
    """Return the conversion of notes, of which one is a number."""
    return RetypeField(
        entity="items",
        field="Note",
        was=parse("Text"),
        to=parse("Integer"),
        on_bad=on_bad,
        bad_default=default,
    )


def noted(steps: tuple[Step, ...]) -> tuple[Probe, ...]:
    """Return the questions that stop nothing."""
    return tuple(probe for step in steps for probe in step.forward.notes)


async def values(ground: Ground, field: str) -> dict[int, Any]:
    """Return a field of every record as the application reads it."""
    if isinstance(ground.store, MongoStore):
        return {item["_id"]: item.get(field) async for item in ground.store.database["item"].find({})}
    rows = await fetched(ground, f'SELECT "ItemID", "{field}" FROM items')
    return {row[0]: row[1] for row in rows}


async def kept_aside(ground: Ground) -> list[Any]:
    """Return the values that had no way back."""
    if isinstance(ground.store, MongoStore):
        database = ground.store.database
        names = [name for name in await database.list_collection_names() if name.endswith("_bad")]
        return [item["value"] for name in names async for item in database[name].find({})]
    names = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'database_migration_kept' AND tablename ~ '^bad_'"
    )
    (table,) = [row[0] for row in await fetched(ground, names)]
    return [row[0] for row in await fetched(ground, f"SELECT value FROM database_migration_kept.{table}")]


async def fetched(ground: Ground, statement: str) -> list[Any]:
    """Run a query past the backend under test."""
    assert isinstance(ground.store, PostgresStore)
    connection = await asyncpg.connect(ground.store.url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("on_bad", "default", "instead"),
    [(BadValues.NULL, None, None), (BadValues.KEEP, None, None), (BadValues.DEFAULT, -1, -1)],
)
async def test_bad_values_are_told_replaced_and_come_back(
    ground: Ground, on_bad: BadValues, default: Any, instead: Any
) -> None:
    """Whoever chose a policy sees what it does before it runs, and a downgrade gives every byte back."""
    await ground.store.write(4, Note="42")
    before = await ground.content()
    steps = await ground.steps(retyping(on_bad, default))
    assert await ground.offenders(steps) == {}
    (note,) = noted(steps)
    told = await ground.backend.probe(note)
    assert (told.count, told.keys) == (3, ("1", "3", "5"))

    await ground.up(steps)
    assert await values(ground, "Note") == {1: instead, 2: None, 3: instead, 4: 42, 5: instead}
    await ground.down(steps)
    assert await ground.content() == before


async def test_without_a_policy_bad_values_are_refused_beforehand(ground: Ground) -> None:
    """The default is to lose nothing and to replace nothing."""
    steps = await ground.steps(retyping(BadValues.FAIL))
    assert [found for found, _ in (await ground.offenders(steps)).values()] == [4]
    assert noted(steps) == ()


async def test_what_cannot_go_back_is_kept_aside(ground: Ground) -> None:
    """A value written under the new type belongs to the application, even where the old type has no room for it."""
    action = RetypeField(
        entity="items", field="Quantity", was=parse("Integer"), to=parse("BigInteger"), on_bad=BadValues.NULL
    )
    steps = await ground.steps(action)
    await ground.up(steps)
    await ground.store.write(1, Quantity=Int64(2**40))
    await ground.store.write(2, Quantity=Int64(7))
    back = tuple(step.reversed() for step in reversed(steps))
    assert await ground.offenders(back) == {}
    (note,) = noted(back)
    assert (await ground.backend.probe(note)).keys == ("1",)

    await ground.down(steps)

    assert await values(ground, "Quantity") == {1: None, 2: 7, 3: None, 4: -1, 5: 2147483647}
    assert await kept_aside(ground) == [2**40]


async def test_a_field_that_may_not_be_empty_takes_no_null(ground: Ground) -> None:
    """Half-way through is no time to find out."""
    action = retyping(BadValues.NULL).model_copy(update={"field": "Name"})
    with pytest.raises(MigrationError) as refusal:
        await ground.steps(action)
    assert refusal.value.code == "bad-values-need-room"


async def test_finalizing_with_keep_leaves_the_bad_values_alone(ground: Ground) -> None:
    """They are what somebody still has to look at; everything else that was kept goes."""
    await ground.store.write(4, Note="42")
    await ground.up(await ground.steps(retyping(BadValues.KEEP)))
    await ground.up(
        await ground.steps(PurgeType(entity="items", field="Note", to=parse("Integer"), keep_bad=True))
    )
    if isinstance(ground.store, MongoStore):
        (name,) = [
            found.name
            for found in await ground.backend.kept()
            if found.name.startswith("database_migration_kept")
        ]
        left = [item["old"] async for item in ground.store.database[name].find({})]
    else:
        left = await kept_aside(ground)
    assert sorted(left) == ["", "five", "größe 4"]
