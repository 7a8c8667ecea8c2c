"""The copies of a restore: one that is gone was not switched, and none is left behind by a restore that failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from skill_server.application import approving, backing_up, detecting, planning, restoring, status
from skill_server.application.application import Application
from skill_server.application.planning import Proposal
from skill_server.backends.mongo.backend import MongoBackend
from skill_server.backends.mongo.backup.scratch import MARK_COLLECTION
from skill_server.backends.mongo.restore import replace as mongo_replace
from skill_server.backends.postgres.backend import PostgresBackend
from skill_server.backends.postgres.backup.scratch import newborn
from skill_server.errors import Conflict, Failed, InDoubt, Refused
from skill_server.model import content as contents
from skill_server.model.ids import BackendKind
from tests.support.project import Project, a_project, content, mongodb_client
from tests.support.servers import with_database

Place = tuple[Project, Application]
BOTH = (BackendKind.POSTGRES, BackendKind.MONGODB)
COPIES = "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1"


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project that was detected."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        yield project, app


async def approved(app: Application, label: str | None = None) -> Proposal:
    """Let a person approve putting a backup back, or one that is taken now."""
    if label is None:
        label = (await backing_up.back_up(await app.session(None)))[0].label
    session = await app.session(None)
    proposal = await planning.propose_restore(session, label)
    await approving.approve_by_answer(session, proposal)
    return proposal


async def lose_items(project: Project) -> None:
    """Delete items in both databases, as a mistake would."""
    await project.on_postgres('DELETE FROM items WHERE "ItemID" > 4')
    items = project.on_mongodb()["item"]
    await items.delete_many({"ItemID": {"$gt": 4}})
    await items.database.client.close()


async def copies(project: Project, app: Application) -> list[str]:
    """Name this target's copies for restores on PostgreSQL and MongoDB, marked or not."""
    begins = f"dbm_scratch_restore_{(await app.session(None)).identity.ledger_id[:8]}"
    outside = await asyncpg.connect(with_database(project.postgres_url, "postgres"))
    try:
        found = [row["datname"] for row in await outside.fetch(COPIES, begins)]
    finally:
        await outside.close()
    async with mongodb_client(project.mongodb_url) as client:
        return [
            *(f"postgres {name}" for name in found),
            *(f"mongodb {name}" for name in await client.list_database_names() if name.startswith(begins)),
        ]


async def drop_by_hand(project: Project, app: Application, kind: BackendKind) -> None:
    """Drop a copy as a person does who tidies up a server."""
    (name,) = [name.removeprefix(f"{kind} ") for name in await copies(project, app) if name.startswith(kind)]
    if kind is BackendKind.MONGODB:
        async with mongodb_client(project.mongodb_url) as client:
            await client.drop_database(name)
        return
    outside = await asyncpg.connect(with_database(project.postgres_url, "postgres"))
    try:
        await outside.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await outside.close()


async def power_fails(_self: object, _copy: str) -> None:
    """Stand for a switch that did not happen."""
    raise Conflict("database-in-use", "the power went", help="Call again.")


async def cut(app: Application, proposal: Proposal, patched: pytest.MonkeyPatch, *kinds: BackendKind) -> None:
    """Begin a restore in which these databases are not switched."""
    backends = {BackendKind.MONGODB: MongoBackend, BackendKind.POSTGRES: PostgresBackend}
    with patched.context() as patching:
        for kind in kinds:
            patching.setattr(backends[kind], "replace_with", power_fails)
        with pytest.raises(InDoubt, match="power"):
            await restoring.restore(await app.session(None), proposal)


async def ended(app: Application, proposal: Proposal) -> None:
    """Call a restore again, which is to end it plainly."""
    session = await app.session(None)
    assert session.history.unfinished == proposal.plan.id
    outcome = await restoring.restore(session, planning.recall(session, proposal.plan.id))
    assert outcome.body["differences"] == []


@pytest.mark.parametrize("switched", BOTH)
async def test_a_copy_that_was_dropped_by_hand_is_loaded_again_and_not_taken_for_switched(
    place: Place, monkeypatch: pytest.MonkeyPatch, switched: BackendKind
) -> None:
    """A missing copy looks like one that has the live database's name, and half a restore would be called a whole."""
    project, app = place
    proposal = await approved(app)
    before = await content(app)
    await lose_items(project)
    await cut(app, proposal, monkeypatch, *(kind for kind in BOTH if kind is not switched))
    (name,) = {name.split()[1] for name in await copies(project, app)}
    if switched is BackendKind.POSTGRES:
        # MongoDB comes first, so only a person or another order gets here.
        await (await app.session(None)).pair[switched].replace_with(name)
    for kind in BOTH:
        if kind is not switched:
            await drop_by_hand(project, app, kind)
    if switched is BackendKind.POSTGRES:
        # So does a second load that is killed as soon as it has begun.
        async with mongodb_client(project.mongodb_url) as client:
            await client[name].create_collection(MARK_COLLECTION, validator={"database": name})

    await ended(app, proposal)

    after = await content(app)
    assert after[0] == before[0]
    assert contents.compare(before[1], after[1]) == ()
    assert await copies(project, app) == []


async def test_a_copy_that_is_dropped_while_its_collections_move_is_loaded_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was brought stays, the rest comes from the backup once more: the old content lies aside all the time."""
    project, app = place
    proposal = await approved(app)
    before = await content(app)
    await lose_items(project)
    bring, brought = mongo_replace._bring, list[str]()  # pyright: ignore[reportPrivateUsage]

    async def bring_one(connections: Any, source: Any, item: Any) -> None:
        if brought:
            raise Failed("cut", "the power went", help="Call again.")
        await bring(connections, source, item)
        brought.append(item.name)

    with monkeypatch.context() as patched:
        patched.setattr(mongo_replace, "_bring", bring_one)
        with pytest.raises(InDoubt, match="power"):
            await restoring.restore(await app.session(None), proposal)
    await drop_by_hand(project, app, BackendKind.MONGODB)

    await ended(app, proposal)

    assert contents.compare(before[1], (await content(app))[1]) == ()
    assert await copies(project, app) == []


async def test_what_lies_under_the_name_of_a_copy_without_being_it_is_not_switched_to(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second load that is killed leaves a copy which nobody compared with the backup, or one that is not open yet."""
    project, app = place
    proposal = await approved(app)
    before = await content(app)
    await lose_items(project)
    other = (await backing_up.back_up(await app.session(None)))[0].label
    await cut(app, proposal, monkeypatch, *BOTH)
    session = await app.session(None)
    (name,) = {name.split()[1] for name in await copies(project, app)}
    for kind in BOTH:
        await drop_by_hand(project, app, kind)
    mongodb = session.pair[BackendKind.MONGODB].at(name)
    await mongodb.load(session.settings.backups / other / BackendKind.MONGODB)
    outside = await asyncpg.connect(with_database(project.postgres_url, "postgres"))
    try:
        await outside.execute(f'CREATE DATABASE "{name}" {newborn(name)}')
    finally:
        await outside.close()

    await ended(app, proposal)

    assert contents.compare(before[1], (await content(app))[1]) == ()


async def test_a_backup_leaves_the_copies_of_an_unfinished_restore_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup may be taken in the middle of a restore, and drops what others left."""
    project, app = place
    proposal = await approved(app)
    await lose_items(project)
    await cut(app, proposal, monkeypatch, *BOTH)
    there = await copies(project, app)

    await backing_up.back_up(await app.session(None))

    assert await copies(project, app) == there
    assert len(there) == 2
    await ended(app, proposal)


async def test_a_restore_that_does_not_hold_what_was_backed_up_needs_attention(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hears `restored` reads no list of differences, so that must not be the word."""
    project, app = place
    proposal = await approved(app)
    replace_with = PostgresBackend.replace_with

    async def written_to_at_once(self: PostgresBackend, copy: str) -> None:
        await replace_with(self, copy)
        await project.on_postgres('DELETE FROM items WHERE "ItemID" = 1')

    with monkeypatch.context() as patched:
        patched.setattr(PostgresBackend, "replace_with", written_to_at_once)
        with pytest.raises(InDoubt, match="holds 11 records instead of 12") as wrong:
            await restoring.restore(await app.session(None), proposal)
    session = await app.session(None)
    found = await status.read_status(session)
    with pytest.raises(InDoubt) as again:
        await restoring.restore(session, planning.recall(session, proposal.plan.id))

    assert wrong.value.code == again.value.code == "needs-attention"
    label = proposal.plan.backup_label
    assert (wrong.value.next_tool, wrong.value.next_args["label"]) == ("restore_backup", label)
    assert (found.unfinished, found.needs_attention) == (None, proposal.plan.id)
    assert (found.next_tool, found.next_args) == ("restore_backup", {"label": label})

    # The way out of a restore that was cut is that very restore, and never to begin another one.
    second = await approved(app, label)
    await cut(app, second, monkeypatch, BackendKind.POSTGRES)
    session = await app.session(None)
    found = await status.read_status(session)
    assert (found.next_tool, found.next_args) == (
        "restore_backup",
        {"label": label, "plan_id": second.plan.id},
    )
    assert found.way_out is not None
    assert "goes on where it stopped" in found.way_out
    assert (await planning.propose_restore(session, label or "")).plan == second.plan
    await ended(app, second)
    assert (await app.session(None)).history.needs_attention is None


async def test_a_restore_whose_second_half_cannot_be_loaded_leaves_no_copy_of_the_first(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every try would fill a disk further that may be full already."""
    project, app = place
    proposal = await approved(app)

    async def full(_self: MongoBackend, *_arguments: object, **_named: object) -> None:
        raise Refused("restore-no-space", "the server is full", help="Make room.")

    with monkeypatch.context() as patched:
        patched.setattr(MongoBackend, "load", full)
        for _ in range(2):
            with pytest.raises(Refused, match="full"):
                await restoring.restore(await app.session(None), proposal)
            assert await copies(project, app) == []


async def test_what_a_killed_restore_left_is_gone_before_another_one_loads(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy may be as large as the database, and nobody counts those of processes that are no more."""
    project, app = place
    proposal = await approved(app)
    session = await app.session(None)
    left = f"dbm_scratch_restore_{session.identity.ledger_id[:8]}_0badc0de"
    label = proposal.plan.backup_label or ""
    for kind in BOTH:
        await session.pair[kind].at(left).load(session.settings.backups / label / kind)
    seen: list[list[str]] = []

    async def looked(_self: PostgresBackend, *_arguments: object, **_named: object) -> None:
        seen.append(await copies(project, app))
        raise Failed("cut", "the power went", help="Call again.")

    with monkeypatch.context() as patched:
        patched.setattr(PostgresBackend, "load", looked)
        with pytest.raises(Failed, match="power"):
            await restoring.restore(await app.session(None), proposal)

    assert seen == [[]]
