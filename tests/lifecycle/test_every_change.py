"""Every change of the catalogue: up, up again, down and up once more, on both databases together."""

from __future__ import annotations

import pytest
from pymongo.errors import OperationFailure

from skill_server import changes
from skill_server.model.change import Change
from skill_server.run import saga
from tests.lifecycle.catalogue import CHANGES
from tests.lifecycle.world import POLICY, World


def test_every_change_that_an_author_may_list_is_walked() -> None:
    """A change that no test takes back is a promise that nobody checked."""
    assert {change.kind for change in CHANGES.values()} == set(changes.authored())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_up_and_down_leave_schema_and_content_of_both_databases_as_they_were(
    world: World, change: Change
) -> None:
    """The promise of the product, for one change at a time."""
    if getattr(change, "method", None) == "text" and not await builds_text_indexes(world):
        pytest.skip("this MongoDB server builds no text indexes")
    before = await world.state()
    plan = await world.plan(change)
    await world.applied(plan)
    up = await world.state()
    assert up != before

    again = await saga.carry_out(world.pair, plan, POLICY)
    assert again.ending is saga.Ending.APPLIED
    assert await world.state() == up

    await world.down(plan)
    assert await world.state() == before

    await world.applied(plan)
    assert await world.state() == up


async def builds_text_indexes(world: World) -> bool:
    """Ask the server itself, because the embedded stand-in has none."""
    try:
        await world.mongodb["asked"].create_index([("words", "text")])
    except OperationFailure:
        return False
    finally:
        await world.mongodb["asked"].drop()
    return True
