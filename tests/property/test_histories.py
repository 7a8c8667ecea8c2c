"""Whatever the schema, the records and the history of changes: each prefix goes up, is verified, and comes back."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from skill_server.errors import MigrationError
from skill_server.model.change import Change
from skill_server.model.ids import RETIRED_PREFIX, BackendKind
from skill_server.model.plan import Plan
from skill_server.model.snapshot import Entity, Snapshot
from skill_server.plan import build
from skill_server.run import saga
from skill_server.run.saga import Ending
from tests.lifecycle.world import POLICY, State, World, a_world
from tests.property.drafts import Draft
from tests.property.shapes import Shape, shapes
from tests.property.steps import steps
from tests.property.test_round_trip import NAMES, empty, fill_mongodb, fill_postgres, verified

pytestmark = pytest.mark.timeout(14400)
NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
# What a run by day may take; at night every example is walked.
SECONDS = float(os.environ.get("HISTORIES_SECONDS", "inf" if NIGHT else "160"))
# Refusals that a random change may earn from random records and from what else names its field.
EXPECTED = frozenset(
    {
        "change-does-not-fit",
        "field-missing",
        "records-in-the-way",
        "field-has-dependents",
        "index-exists",
        "bad-values-need-room",
    }
)
_clock = {"began": 0.0, "walked": 0}


@dataclass(frozen=True)
class History:
    """A schema with records, and changes one after the other.

    A change that the records refuse leaves the later ones without what it would have made; they are refused too.
    """

    shape: Shape
    changes: tuple[Change, ...]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw a shape and two to five changes that follow each other."""
    shape = draw(shapes())
    draft = Draft.of(shape)
    drawn: list[Change] = []
    for _ in range(draw(st.integers(2, 5))):
        change, draft = draw(steps(draft))
        drawn.append(change)
    return History(shape, tuple(drawn))


@pytest_asyncio.fixture(loop_scope="session")
async def world(postgres_database: str, mongo_database: str) -> AsyncIterator[World]:
    """One pair of databases, emptied before every example."""
    async with a_world(postgres_database, mongo_database, NAMES) as made:
        yield made


@settings(max_examples=2000 if NIGHT else 400)
@given(history=histories())
async def test_every_prefix_of_a_history_goes_up_and_comes_back(world: World, history: History) -> None:
    """Changes meet what earlier changes left behind, and each of them must come back through it."""
    _clock["began"] = _clock["began"] or time.monotonic()
    if time.monotonic() - _clock["began"] > SECONDS:
        event("not walked: the time is over")
        return
    _clock["walked"] += 1
    await empty(world)
    await fill_postgres(world, history.shape)
    await fill_mongodb(world, history.shape)
    states: list[State] = [await world.state()]
    plans: list[Plan] = []
    for number, change in enumerate(history.changes, start=1):
        plan = await planned(world, change, f"202601{number:02d}_change")
        if plan is None:
            assert await world.state() == states[-1]
            continue
        event(change.kind)
        await walk_up(world, plan)
        plans.append(plan)
        states.append(await world.state())
    for plan in reversed(plans):
        up = states.pop()
        assert await world.state() == up
        await world.down(plan)
        assert await world.state() == states[-1], plan.steps[0].action


def test_enough_histories_were_walked() -> None:
    """A run by day ends by the clock, so it has to prove that it did something."""
    assert _clock["walked"] >= 20


async def planned(world: World, change: Change, revision: str) -> Plan | None:
    """Return the plan of a change that the records allow, or None where it is refused as expected."""
    try:
        plan = await world.plan(change, revision=revision)
        await saga.check_before(world.pair, plan)
    except MigrationError as refusal:
        if refusal.code not in EXPECTED:
            raise
        event(f"refused: {change.kind} {refusal.code}")
        return None
    return plan


async def walk_up(world: World, plan: Plan) -> None:
    """Carry a plan out, verify it, and carry it out again, which changes nothing."""
    sums = await world.pair.checksums()
    foreseen = build.schema_after(plan, (await world.pair.inspect())[BackendKind.POSTGRES])
    await world.applied(plan)
    await verified(world, plan, sums)
    await agree(world, foreseen)
    once = await world.state()
    again = await saga.carry_out(world.pair, plan, POLICY)
    assert again.ending is Ending.APPLIED
    assert await world.state() == once


async def agree(world: World, foreseen: Snapshot) -> None:
    """Check that PostgreSQL has the schema that was foreseen, and MongoDB nothing that PostgreSQL has not."""
    snapshots = await world.pair.inspect()
    declared = {entity.name: shown(entity) for entity in snapshots[BackendKind.POSTGRES].entities}
    assert declared == {entity.name: shown(entity) for entity in foreseen.entities}
    held = {entity.name: shown(entity) for entity in snapshots[BackendKind.MONGODB].entities}
    assert held.keys() == declared.keys()
    for name, fields in held.items():
        assert fields.keys() - {"_id"} <= declared[name].keys(), name


def shown(entity: Entity) -> dict[str, tuple[str, bool]]:
    """Return the fields that are not hidden, with their types and whether they may be empty."""
    return {
        field.name: (str(field.type), field.nullable)
        for field in entity.fields
        if not field.name.startswith(RETIRED_PREFIX)
    }
