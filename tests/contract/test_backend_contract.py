"""What the core may rely on: the same cases on every backend, asked through the one protocol."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
import pytest_asyncio

from skill_server.backends.base import Backend, scratch_name
from skill_server.errors import Conflict, Refused
from skill_server.model.action import Action
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.receipt import Event, EventKind
from tests.contract.cases.actions import ACTIONS, ADDED, BUILT, DELETING, RAW, RETIRED, RETYPED, UNDOING
from tests.contract.cases.ground import POLICY, Ground


@pytest_asyncio.fixture(loop_scope="session")
async def copy(ground: Ground) -> AsyncIterator[Backend]:
    """A scratch database that does not exist yet."""
    made = ground.backend.at(scratch_name("contract", secrets.token_hex(4)))
    yield made
    if made.database in await made.scratch():
        await made.drop()
    await made.close()


def event(seq: int, unique: str | None = None) -> Event:
    """Return an event with edge values."""
    return Event(
        seq=seq,
        kind=EventKind.BACKUP,
        at=datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC),
        bound={"é": "漢", "a.b": "$x"},
        body={"z": [1, 1.5, None, True], "a": {"$set": "\u2028"}},
        unique=unique,
        mac="0f",
    )


async def test_a_database_says_who_it_is_and_always_the_same(ground: Ground) -> None:
    """Evidence is bound to a database, so its name must not change from call to call."""
    identity = await ground.backend.identity()
    assert await ground.backend.identity() == identity
    assert identity.database == ground.backend.database
    assert identity.writable
    assert identity.version
    assert identity.topology in {"standalone", "primary", "replica_set"}


async def test_the_fingerprint_is_of_the_schema_alone(ground: Ground) -> None:
    """Records come and go; a schema that changed makes every plan stale."""
    first = (await ground.backend.inspect()).fingerprint
    assert (await ground.backend.inspect()).fingerprint == first
    await ground.store.write(50, Note="new")
    await ground.backend.store.prepare()
    assert (await ground.backend.inspect()).fingerprint == first
    await ground.store.break_schema()
    assert (await ground.backend.inspect()).fingerprint != first


async def test_a_snapshot_speaks_logical_names(ground: Ground) -> None:
    """The core never learns that one of the two says `item`."""
    snapshot = await ground.backend.inspect()
    assert snapshot.backend is ground.backend.kind
    (entity,) = snapshot.entities
    assert (entity.name, entity.native_name) == (
        "items",
        "items" if ground.backend.kind is BackendKind.POSTGRES else "item",
    )
    assert {"Name", "Note", "Price", "Quantity"} <= {field.name for field in entity.fields}
    by_name = entity.index("by_name")
    assert by_name is not None
    assert (by_name.unique, by_name.fields) == (True, ("Name",))


async def test_events_come_back_as_they_went_in_and_in_order(ground: Ground) -> None:
    """A MAC covers every character of an event."""
    store = ground.backend.store
    assert not await store.exists()
    await store.prepare()
    await store.prepare()
    assert await store.exists()
    written = [event(2), event(1, unique="claim of a plan"), event(3)]
    for one in written:
        await store.append(one)
    assert await store.events() == sorted(written, key=lambda one: one.seq)


async def test_of_two_that_append_at_once_one_loses_and_is_told(ground: Ground) -> None:
    """Two servers may come to the same next number, and a claim may be made only once."""
    store = ground.backend.store
    await store.prepare()
    results = await asyncio.gather(*(store.append(event(1)) for _ in range(4)), return_exceptions=True)
    assert sum(result is None for result in results) == 1
    assert {result.code for result in results if isinstance(result, Conflict)} == {"ledger-race"}
    assert len(await store.events()) == 1

    await store.append(event(2, unique="once"))
    with pytest.raises(Conflict, match="ledger-race"):
        await store.append(event(3, unique="once"))
    await store.append(event(3))


async def test_the_lock_has_one_holder_and_names_it(ground: Ground) -> None:
    """Two runs at once would undo each other; whoever waits wants to know for whom."""
    other = ground.backend.at(ground.backend.database)
    try:
        async with ground.backend.lock({"host": "holder-of-the-lock", "pid": "1"}):
            with pytest.raises(Conflict) as refusal:
                async with other.lock({"host": "second", "pid": "2"}):
                    pytest.fail("two holders at once")
        assert refusal.value.code == "lock-held"
        assert "holder-of-the-lock" in refusal.value.message
        async with other.lock({"host": "second", "pid": "2"}):
            pass
    finally:
        await other.close()


async def test_checksums_see_every_value_and_nothing_else(ground: Ground) -> None:
    """They are the proof that nothing was lost, so a single character must show, and a ledger must not."""
    first = await ground.backend.checksums()
    await ground.backend.store.prepare()
    await ground.backend.store.append(event(1))
    assert await ground.backend.checksums() == first
    assert first.entities.keys() == {"items"}
    assert first.entities["items"].records == 5

    await ground.store.write(1, Note="größe 5")
    second = await ground.backend.checksums()
    changed = {
        name
        for name, value in second.entities["items"].fields.items()
        if first.entities["items"].fields[name] != value
    }
    assert changed == {"Note"}
    await ground.store.write(1, Note="größe 4")
    assert await ground.backend.checksums() == first
    assert (await ground.backend.checksums(["items"])).entities == first.entities


async def test_a_backup_restored_elsewhere_is_equal(ground: Ground, copy: Backend, tmp_path: Path) -> None:
    """A backup that was never restored is a hope; kept values are data too, and the ledger is not."""
    steps = await ground.steps(RETIRED)
    await ground.up(steps)
    await ground.backend.store.prepare()
    await ground.backend.store.append(event(1))
    expected = await ground.backend.checksums()
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o700)

    result = await ground.backend.dump(folder)
    await copy.load(folder)

    assert result.checksums == expected
    assert await copy.checksums() == expected
    fingerprint = (await ground.backend.inspect()).fingerprint
    assert (result.fingerprint, (await copy.inspect()).fingerprint) == (fingerprint, fingerprint)
    assert not await copy.store.exists()
    assert (await copy.identity()).database_id != (await ground.backend.identity()).database_id
    if ground.backend.kind is BackendKind.MONGODB:
        assert any(name.startswith(KEPT_NAME) for name in expected.entities)


async def test_a_copy_of_a_loaded_backup_is_equal_and_apart(
    ground: Ground, copy: Backend, tmp_path: Path
) -> None:
    """Rehearsals run on clones of one restored backup, which stays as it is."""
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o700)
    await ground.backend.dump(folder)
    await copy.load(folder)
    clone = ground.backend.at(scratch_name("contract", secrets.token_hex(4)))
    try:
        await clone.copy_from(copy.database)
        assert await clone.checksums() == await copy.checksums() == await ground.backend.checksums()
        assert (await clone.inspect()).fingerprint == (await ground.backend.inspect()).fingerprint
        assert {clone.database, copy.database} <= set(await ground.backend.scratch())
    finally:
        await clone.drop()
        await clone.close()
    assert clone.database not in await ground.backend.scratch()
    assert (await copy.checksums()).entities["items"].records == 5


async def test_a_live_database_is_neither_dropped_nor_loaded_over(ground: Ground, tmp_path: Path) -> None:
    """The one call that could end everything answers no, whoever asks."""
    before = await ground.content()
    folder = tmp_path / "backup"
    folder.mkdir(mode=0o700)
    await ground.backend.dump(folder)
    with pytest.raises(Refused):
        await ground.backend.drop()
    with pytest.raises(Refused):
        await ground.backend.load(folder)
    assert await ground.content() == before
    assert ground.backend.database not in await ground.backend.scratch()


@pytest.mark.parametrize(("action", "needs"), ACTIONS.values(), ids=ACTIONS.keys())
async def test_an_action_goes_up_again_and_down_without_a_trace(
    ground: Ground, action: Action, needs: tuple[Action, ...]
) -> None:
    """Undoing is promised byte for byte, and a finished step is never done twice."""
    for need in needs:
        await ground.up(await ground.steps(need))
    before = await ground.content()
    steps = await ground.steps(action)
    plan = await ground.up(steps)
    up = await ground.content()
    # A database that has nothing to do stays as it was.
    assert (up != before) is any(step.forward.statements for step in steps)

    marks = await ground.backend.journal.marks(plan)
    assert {name: mark.state for name, mark in marks.items()} == {step.id: "done" for step in steps}
    await ground.run(plan, steps)
    assert await ground.content() == up
    assert await ground.backend.journal.marks(plan) == marks
    await ground.backend.journal.forget(plan)
    assert await ground.backend.journal.marks(plan) == {}

    await ground.down(steps)
    assert await ground.content() == before
    await ground.up(steps)
    assert await ground.content() == up


@pytest.mark.parametrize(("action", "needs"), DELETING.values(), ids=DELETING.keys())
async def test_what_deletes_for_good_says_so_and_has_no_way_back(
    ground: Ground, action: Action, needs: tuple[Action, ...]
) -> None:
    """Only a finalize deletes, and a plan shows that before a person agrees."""
    for need in needs:
        await ground.up(await ground.steps(need))
    records = (await ground.backend.checksums()).entities["items"].records
    steps = await ground.steps(action)
    assert all(step.back is None for step in steps)
    assert all(Hazard.DELETES_DATA in step.hazards for step in steps)
    await ground.up(steps)
    sums = await ground.backend.checksums()
    assert [name for name in sums.entities if name.startswith(KEPT_NAME)] == []
    assert [name for name in sums.entities["items"].fields if name.startswith("_retired_")] == []
    assert sums.entities["items"].records == records


@pytest.mark.parametrize("action", UNDOING.values(), ids=UNDOING.keys())
async def test_what_a_stored_plan_alone_can_bring_back_is_refused(ground: Ground, action: Action) -> None:
    """The schema of today does not say what there was."""
    with pytest.raises(Refused) as refusal:
        await ground.steps(action)
    assert refusal.value.next_tool == "run_downgrade"


def test_every_action_of_the_closed_set_is_played() -> None:
    """An action that no backend was asked for is found by the first user who needs it."""
    played = [action for action, _ in (*ACTIONS.values(), *DELETING.values())]
    kinds = {action.kind for action in (*played, *UNDOING.values(), RAW)}
    assert kinds == {member.model_fields["kind"].default for member in get_args(get_args(Action)[0])}


async def test_raw_statements_run_as_they_are_written_both_ways(ground: Ground) -> None:
    """What an author undoes is the author's word; each direction runs exactly what it says."""
    before = await ground.store.read()
    steps = await ground.steps(RAW)
    await ground.up(steps)
    up = await ground.store.read()
    assert (set(up), up[ground.table] != before[ground.table]) == ({*before, "extras"}, True)
    await ground.down(steps)
    assert await ground.store.read() != up


async def test_a_question_counts_every_offender_and_names_the_first(ground: Ground) -> None:
    """Without keys nobody can mend the records that stand in the way."""
    for key in range(100, 112):
        await ground.store.write(key, Price="cheap")
    steps = await ground.steps(RETYPED)
    ((count, keys),) = (await ground.offenders(steps)).values()
    assert count == 12
    assert 1 <= len(keys) <= 10
    assert set(keys) <= {str(key) for key in range(100, 112)}


async def test_a_resumed_run_begins_after_the_last_mark(ground: Ground) -> None:
    """A crash between two steps must neither repeat the first nor forget the second."""
    first, second = [await ground.steps(action) for action in (ADDED, BUILT)]
    renamed = tuple(step.model_copy(update={"id": f"second-{step.id}"}) for step in second)
    plan = "e" * 32
    await ground.backend.run(plan, first, POLICY)
    half = await ground.content()
    await ground.backend.run(plan, [*first, *renamed], POLICY)
    assert await ground.content() != half
    assert set(await ground.backend.journal.marks(plan)) == {step.id for step in (*first, *renamed)}
