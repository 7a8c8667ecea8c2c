"""What was written between up and down under rules and defaults: kept, carried back, or listed by key."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from skill_server.errors import MigrationError
from skill_server.model import action as actions
from skill_server.model.action import CheckSpec, ReferenceSpec
from skill_server.model.plan import Phase
from skill_server.model.rule import Rule
from tests.contract.postgres.undo import SHOP, Place, steps


@pytest_asyncio.fixture(loop_scope="session")
async def place(postgres_database: str) -> AsyncIterator[Place]:
    """A database that holds the shop, without the view that would keep `item` where it is."""
    made = Place(postgres_database)
    await made.execute(SHOP, "DROP VIEW shown")
    yield made


async def test_a_default_changes_new_rows_alone(place: Place) -> None:
    """Rows that are there keep their values, up and down."""
    action = actions.SetDefault(entity="item", field="price", default="1.50")
    pieces = await place.pieces(action)
    before = await place.value("SELECT array_agg(price ORDER BY id)::text FROM item")
    await place.up(action, pieces)
    await place.execute("""INSERT INTO item (id, "ItemName", "Type") VALUES (50, 'New', 'toy')""")
    await place.down(action, pieces)
    await place.execute("""INSERT INTO item (id, "ItemName", "Type") VALUES (51, 'Newer', 'toy')""")
    assert await place.value("SELECT array_agg(price ORDER BY id)::text FROM item WHERE id < 50") == before
    assert (
        await place.value("SELECT array_agg(price ORDER BY id)::text FROM item WHERE id >= 50")
        == "{1.50,9.90}"
    )


async def test_empty_values_are_listed_before_a_field_is_required_and_nothing_scans_under_a_lock(
    place: Place,
) -> None:
    """A check that is valid lets SET NOT NULL skip its scan."""
    action = actions.SetNullable(entity="item", field="code", nullable=False)
    pieces = await place.pieces(action)
    assert [piece.phase for piece in pieces] == [Phase.EXPAND, Phase.VALIDATE, Phase.CONTRACT]
    assert await place.offenders(steps(action, pieces)[0]) == {"empty-code": ("2",)}
    await place.execute("UPDATE item SET code = 'B3' WHERE id = 2")
    await place.up(action, pieces)
    assert (
        await place.value("SELECT count(*) FROM pg_constraint WHERE conname LIKE 'database_migration%'") == 0
    )
    with pytest.raises(MigrationError):
        await place.execute("UPDATE item SET code = NULL WHERE id = 2")


async def test_values_left_empty_since_are_listed_before_a_field_is_required_again(place: Place) -> None:
    """The way back of allowing nothing is requiring something."""
    action = actions.SetNullable(entity="item", field="touched", nullable=True)
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute(
        "ALTER TABLE item DISABLE TRIGGER item_touch", "UPDATE item SET touched = NULL WHERE id = 3"
    )
    back = [step.reversed() for step in reversed(steps(action, pieces))]
    assert await place.offenders(back[0]) == {"empty-touched": ("3",)}


@pytest.mark.parametrize(
    "action",
    [
        actions.SetNullable(entity="item", field="code", nullable=True),
        actions.SetNullable(entity="item", field="price", nullable=False),
        actions.SetDefault(entity="item", field="note"),
    ],
    ids=["nullable", "required", "no-default"],
)
async def test_what_is_so_already_is_left_alone_both_ways(place: Place, action: actions.Action) -> None:
    """A way back that undid what nobody did would be the loss."""
    (piece,) = await place.pieces(action)
    assert piece.down is not None
    assert (piece.up.statements, piece.down.statements) == ((), ())
    assert piece.up.summary.startswith("nothing")


async def test_rows_against_a_new_rule_are_listed_and_new_ones_refused(place: Place) -> None:
    """An empty value follows every rule, as it does in a check."""
    rule = CheckSpec(field="amount", rule=Rule(minimum=2))
    action = actions.AddConstraint(entity="item", name="enough", spec=rule)
    pieces = await place.pieces(action)
    first, second = steps(action, pieces)
    assert await place.offenders(first) == {"violations-of-enough": ("1",)}
    await place.execute("UPDATE item SET amount = 2 WHERE id = 1")
    await place.up(action, pieces)
    assert second.forward.statements[0].lock == "SHARE UPDATE EXCLUSIVE"
    with pytest.raises(MigrationError):
        await place.execute("UPDATE item SET amount = 1 WHERE id = 1")


async def test_rows_against_a_retired_rule_are_listed_before_it_comes_back(place: Place) -> None:
    """What was written without the rule has to follow it again."""
    action = actions.RetireConstraint(entity="item", name="no_debts", of="check", field="price")
    pieces = await place.pieces(action)
    await place.up(action, pieces)
    await place.execute("UPDATE item SET price = -1 WHERE id = 2")
    back = [step.reversed() for step in reversed(steps(action, pieces))]
    assert await place.offenders(back[0]) == {"violations-of-no_debts": ("2",)}


async def test_orphans_are_listed_before_a_reference_is_made(place: Place) -> None:
    """The keys are those of the rows that point nowhere."""
    spec = ReferenceSpec(field="id", references="type", references_field="id", on_delete="cascade")
    action = actions.AddConstraint(entity="item", name="item_to_type", spec=spec)
    pieces = await place.pieces(action)
    assert await place.offenders(steps(action, pieces)[0]) == {"orphans-of-item_to_type": ("3",)}
    await place.execute("INSERT INTO type VALUES (3, 'third')")
    await place.up(action, pieces)
    await place.execute("DELETE FROM type WHERE id = 3")
    assert await place.value("SELECT count(*) FROM item WHERE id = 3") == 0
