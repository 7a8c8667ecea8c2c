"""A part that fails or a run that is cut off: both databases end changed, or both end as they were."""

from __future__ import annotations

import asyncio

import pytest

from skill_server.backends.base import RunPolicy
from skill_server.errors import Conflict, Refused
from skill_server.model.change import Change
from skill_server.model.ids import BackendKind
from skill_server.model.plan import Phase, Plan, Statement
from skill_server.run import saga
from skill_server.run.saga import Ending
from tests.lifecycle.catalogue import a_change, a_retype
from tests.lifecycle.world import POLICY, World

EVERYTHING: tuple[Change, ...] = (
    a_change("add_field", field="rank", type="Integer", nullable=False, default=7),
    a_change("rename_field", field="Key", to="token_text"),
    a_change("drop_field", field="Facts"),
    a_retype("Bought", "Text", "Date"),
    a_change("add_index", name="ranked", fields=("-rank", "ItemName")),
)
# Fewer for the tests that run them again and again, but still every phase on both databases.
SOME: tuple[Change, ...] = (
    a_change("add_field", field="rank", type="Integer", nullable=False, default=7),
    a_change("drop_field", field="Facts"),
    a_change("add_index", name="ranked", fields=("-rank", "ItemName")),
)
# Two batches, so that cuts fall between steps and inside of them.
WIDE = RunPolicy(lock_timeout_s=0.1, lock_budget_s=1.0, batch_records=5)


def breaking(plan: Plan, backend: BackendKind, phase: Phase) -> Plan:
    """Return the plan with a last step of a phase that fails on one database."""
    number = max(i for i, step in enumerate(plan.steps) if (step.backend, step.phase) == (backend, phase))
    step = plan.steps[number]
    # An index that MongoDB must refuse, and SQL that PostgreSQL must.
    bad = Statement(
        text="SELECT 1 / 0",
        command={
            "op": "create_index",
            "collection": "item",
            "definition_json": '{"key": {"ItemID": 1}, "name": "bad", "unique": "maybe", "expireAfterSeconds": "x"}',
        }
        if backend is BackendKind.MONGODB
        else None,
    )
    forward = step.forward.model_copy(update={"statements": (*step.forward.statements, bad)})
    steps = list(plan.steps)
    steps[number] = step.model_copy(update={"forward": forward})
    return plan.model_copy(update={"steps": tuple(steps)})


BREAKS = [
    (BackendKind.POSTGRES, Phase.EXPAND),
    (BackendKind.POSTGRES, Phase.CONCURRENT),
    (BackendKind.POSTGRES, Phase.CONTRACT),
    (BackendKind.MONGODB, Phase.EXPAND),
    (BackendKind.MONGODB, Phase.BACKFILL),
    (BackendKind.MONGODB, Phase.CONCURRENT),
    (BackendKind.MONGODB, Phase.CONTRACT),
]


@pytest.mark.parametrize(("backend", "phase"), BREAKS, ids=[f"{b}-{p}" for b, p in BREAKS])
async def test_a_step_that_fails_on_one_database_undoes_both(
    world: World, backend: BackendKind, phase: Phase
) -> None:
    """Half a migration is worse than none, whichever half it is."""
    before = await world.state()
    plan = breaking(await world.plan(*EVERYTHING), backend, phase)

    report = await world.run(plan)

    assert report.ending is Ending.ROLLED_BACK, report
    assert report.problem
    assert await world.state() == before


@pytest.mark.parametrize("backend", list(BackendKind))
async def test_duplicates_that_arrive_after_the_questions_undo_both(
    world: World, backend: BackendKind
) -> None:
    """The opening questions cannot see what an application writes a moment later."""
    plan = await world.plan(
        a_change("add_field", field="rank", type="Integer", default=7),
        a_change("add_index", name="once", fields=("Key",), unique=True),
    )
    await world.mongodb["item"].delete_many({"Key": {"$exists": False}})
    await world.mongodb["item"].delete_many({"Key": None})
    await saga.check_before(world.pair, plan)
    if backend is BackendKind.POSTGRES:
        await world.execute("""UPDATE items SET "Key" = 'same' WHERE "ItemID" IN (1, 2)""")
    else:
        await world.mongodb["item"].update_many({"_id": {"$in": [1, 2]}}, {"$set": {"Key": "same"}})
    before = await world.state()

    report = await saga.carry_out(world.pair, plan, POLICY)

    assert report.ending is Ending.ROLLED_BACK, report
    assert await world.state() == before


async def test_a_document_that_breaks_the_closing_question_undoes_both(world: World) -> None:
    """An old version of the application that still writes the old name is found before anyone says done."""
    await world.mongodb.command("collMod", "item", validator={})
    plan = await world.plan(a_change("rename_field", field="ItemDesc", to="description"))
    await world.mongodb["item"].update_one({"_id": 2}, {"$set": {"description": "from another source"}})
    before = await world.state()

    report = await saga.carry_out(world.pair, plan, POLICY)

    assert (report.ending, report.code) == (Ending.ROLLED_BACK, "closing-probe-failed")
    found = await world.mongodb["item"].find_one({"_id": 2})
    assert found is not None
    # Nothing tells which of the two names the second value came under, so it stays where its writer put it.
    assert (found["ItemDesc"], found["description"]) == ("mañana\n\ttab", "from another source")
    assert await world.state() == before


async def test_a_schema_that_drifted_since_the_plan_is_not_touched(world: World) -> None:
    """The plan was made, shown and approved for another schema."""
    plan = await world.plan(*EVERYTHING)
    await world.execute("ALTER TABLE owners ADD COLUMN phone text")
    before = await world.state()
    with pytest.raises(Conflict) as conflict:
        await world.run(plan)
    assert conflict.value.code == "schema-drifted"
    assert await world.state() == before


async def test_a_lock_that_is_never_free_undoes_what_the_other_database_did(world: World) -> None:
    """A long transaction of somebody else must not leave the pair half changed."""
    import asyncpg

    before = await world.state()
    plan = await world.plan(a_change("drop_field", field="Facts"))
    connection = await asyncpg.connect(world.postgres_url)
    try:
        async with connection.transaction():
            await connection.fetch("SELECT * FROM items")
            report = await saga.carry_out(world.pair, plan, RunPolicy(lock_timeout_s=0.05, lock_budget_s=0.3))
    finally:
        await connection.close()
    assert (report.ending, report.code) == (Ending.ROLLED_BACK, "lock-timeout")
    assert await world.state() == before


async def cut_off_after(world: World, plan: Plan, borders: int) -> bool:
    """Run a plan and cancel it at the nth sign of life; say whether it was still running then."""
    seen = 0
    running = asyncio.current_task()
    assert running is not None

    async def progress(done: float, total: float | None, message: str) -> None:
        nonlocal seen
        seen += 1
        if seen == borders:
            raise asyncio.CancelledError

    try:
        await saga.carry_out(world.pair, plan, WIDE, progress)
    except asyncio.CancelledError:
        return True
    return False


async def test_a_run_cut_off_anywhere_and_resumed_ends_like_one_that_was_not(world: World) -> None:
    """The server is killed within seconds of its client; the next call goes on where the marks end."""
    before = await world.state()
    plan = await world.plan(*SOME)
    await world.applied(plan)
    whole = await world.state()
    await world.down(plan)
    assert await world.state() == before

    cuts = 0
    while await cut_off_after(world, plan, cuts + 1):
        cuts += 1
        report = await saga.carry_out(world.pair, plan, WIDE)
        assert report.ending is Ending.APPLIED, (cuts, report)
        assert await world.state() == whole, cuts
        await world.down(plan)
    assert await world.state() == whole
    await world.down(plan)
    assert await world.state() == before
    assert cuts >= len(plan.steps)


async def test_a_way_back_cut_off_anywhere_and_resumed_ends_like_one_that_was_not(world: World) -> None:
    """A downgrade is a plan like any other, and is killed as easily."""
    before = await world.state()
    plan = await world.up(*SOME)
    cuts = 0
    while await cut_off_after(world, back := await world.back(plan), cuts + 1):
        cuts += 1
        report = await saga.carry_out(world.pair, back, WIDE)
        assert report.ending is Ending.APPLIED, (cuts, report)
        assert await world.state() == before, cuts
        for done in (plan, back):
            await saga.forget(world.pair, done)
        await world.applied(plan)
    assert cuts >= len(plan.steps)


async def test_an_undoing_that_was_cut_off_is_finished_by_the_next_call(world: World) -> None:
    """After a failure nothing may go forward again before everything went back."""
    before = await world.state()
    plan = breaking(await world.plan(*EVERYTHING), BackendKind.MONGODB, Phase.CONTRACT)
    first = plan.of(BackendKind.MONGODB)[-1]
    assert first.back is not None
    failed = await saga.carry_out(world.pair, plan, POLICY)
    assert failed.ending is Ending.ROLLED_BACK

    again = await saga.carry_out(world.pair, plan, POLICY)

    assert (again.ending, again.code) == (Ending.ROLLED_BACK, "interrupted")
    assert await world.state() == before


async def test_records_in_the_way_are_named_on_both_databases_at_once(world: World) -> None:
    """A person who mends one database should not learn of the other afterwards."""
    await world.execute("""UPDATE items SET "Bought" = 'yesterday' WHERE "ItemID" = 3""")
    await world.mongodb["item"].update_one({"_id": 5}, {"$set": {"Bought": "tomorrow"}})
    before = await world.state()
    with pytest.raises(Refused) as refusal:
        await world.run(await world.plan(a_retype("Bought", "Text", "Date")))
    assert refusal.value.code == "records-in-the-way"
    listed = refusal.value.detail["offenders"]
    assert [line.partition(":")[0] for line in listed] == ["postgres", "mongodb"]
    assert ("3" in listed[0], "5" in listed[1]) == (True, True)
    assert await world.state() == before
