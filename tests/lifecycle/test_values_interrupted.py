"""A move of values that is cut off anywhere ends, called again, as if it had not been."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.backends.base import Journal
from skill_server.model.base import JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Mark
from skill_server.run import flow, saga
from skill_server.run.saga import Ending
from tests.lifecycle.test_values import DESCRIBE, moving
from tests.lifecycle.world import POLICY, World


class _Cut(Exception):
    """The process dies here, as far as the databases can tell."""


@pytest.mark.parametrize("border", range(1, 9))
async def test_a_run_cut_off_at_any_border_goes_on_to_the_same_end(world: World, border: int) -> None:
    """A crash costs a batch at most: the second call ends where an uninterrupted one would."""
    before = await world.state()
    plan = await world.plan(moving(DESCRIBE))
    await cut_off(world, plan, border)
    assert (await saga.carry_out(world.pair, plan, POLICY)).ending is Ending.APPLIED
    row = await world.value('SELECT string_agg("ItemDesc", \',\' ORDER BY "ItemID") FROM items')
    assert row.count(" x ") == 8
    assert await world.mongodb["item"].count_documents({"ItemDesc": {"$regex": " x "}}) == 8
    back = await world.back(plan)
    await saga.check_before(world.pair, back)
    await cut_off(world, back, border)
    assert (await saga.carry_out(world.pair, back, POLICY)).ending is Ending.APPLIED
    assert await world.state() == before


async def cut_off(world: World, plan: Any, border: int) -> None:
    """Carry a plan out until its progress was told so many times."""
    told = 0

    async def progress(_done: float, _total: float | None, _message: str) -> None:
        nonlocal told
        told += 1
        if told == border:
            raise _Cut

    try:
        await saga.carry_out(world.pair, plan, POLICY, progress)
    except _Cut:
        return


class _Unmarked:
    """A journal whose process dies before it writes that a step is done."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def marks(self, plan_id: str) -> dict[str, Mark]:
        """Return the real marks."""
        return await self._journal.marks(plan_id)

    async def put(self, plan_id: str, step: str, state: str, detail: JsonObject | None = None) -> None:
        """Write the mark, unless it says done."""
        if state == flow.DONE:
            raise _Cut
        await self._journal.put(plan_id, step, state, detail)

    async def forget(self, plan_id: str) -> None:
        """Delete the real marks."""
        await self._journal.forget(plan_id)


@pytest.mark.parametrize("kind", BackendKind)
async def test_records_that_got_their_old_values_are_not_carried_back_again(
    world: World, kind: BackendKind
) -> None:
    """Once the store is gone every record looks written, and what is computed from old values would be nonsense."""
    before = await world.state()
    plan = await world.up(moving(DESCRIBE))
    back = await world.back(plan)
    backend = world.pair[kind]
    journal = backend.journal
    backend.journal = _Unmarked(journal)
    with pytest.raises(_Cut):
        await saga.carry_out(world.pair, back, POLICY)
    backend.journal = journal
    assert (await saga.carry_out(world.pair, back, POLICY)).ending is Ending.APPLIED
    assert await world.state() == before
