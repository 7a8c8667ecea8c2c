"""A restore that cannot succeed on both databases is refused while neither is touched, and says why."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from skill_server.application import approving, backing_up, detecting, planning, restoring
from skill_server.application.application import Application
from skill_server.backends.mongo.backend import MongoBackend
from skill_server.backends.mongo.restore import replaceable
from skill_server.backends.postgres.backend import PostgresBackend
from skill_server.errors import Conflict, MigrationError, Refused
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, refusal
from tests.support.servers import Servers, fresh_mongodb_database, fresh_postgres_database

Place = tuple[Project, Application]
SUBSCRIPTION = (
    "CREATE SUBSCRIPTION {name} CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
    "ALTER SUBSCRIPTION {name} SET (slot_name = NONE)",
    "DROP SUBSCRIPTION {name}",
)


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project that was detected."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        yield project, app


async def backed_up(app: Application) -> str:
    """Take a backup and return its label."""
    return (await backing_up.back_up(await app.session(None)))[0].label


async def scratch_databases(app: Application) -> list[str]:
    """Name the scratch databases of restores on both servers that are this target's."""
    session = await app.session(None)
    own = f"restore_{session.identity.ledger_id[:8]}"
    return [name for backend in session.pair for name in await backend.scratch() if own in name]


async def test_what_hangs_on_postgres_stops_the_restore_before_mongodb_is_switched(place: Place) -> None:
    """MongoDB is switched first; a refusal of PostgreSQL after that would leave the pair in two times for good."""
    project, app = place
    label = await backed_up(app)
    name = f"feed_{label[-8:]}"
    create, alter, drop = (statement.format(name=name) for statement in SUBSCRIPTION)
    await project.on_postgres(create)
    try:
        shown = await call(app, "restore_backup", label=label)
        session = await app.session(None)
        proposal = planning.recall(session, shown.plan_id)
        await approving.approve_by_answer(session, proposal)
        async with refusal(project, app, "database-anchored", name):
            await restoring.restore(await app.session(None), proposal)
        session = await app.session(None)
    finally:
        await project.on_postgres(alter)
        await project.on_postgres(drop)

    assert "database-anchored" in {found["rule"] for found in shown.findings if found["severity"] == "error"}
    assert "It would be refused now" in shown.summary
    assert session.history.unfinished is None
    assert await scratch_databases(app) == []
    outcome = await restoring.restore(await app.session(None), proposal)
    assert outcome.body["differences"] == []


async def test_a_refusal_that_only_the_copies_show_leaves_both_untouched_and_no_copy(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may begin to write while the copies are loaded; nothing is claimed or switched then."""
    project, app = place
    label = await backed_up(app)
    session = await app.session(None)
    proposal = await planning.propose_restore(session, label)
    await approving.approve_by_answer(session, proposal)

    async def busy(_self: MongoBackend, copy: str | None = None) -> None:
        if copy is not None:
            raise Conflict("application-not-quiet", "the shop is at work", help="Stop the application.")

    with monkeypatch.context() as patched:
        patched.setattr(MongoBackend, "require_replaceable", busy)
        async with refusal(project, app, "application-not-quiet", "the shop"):
            await restoring.restore(await app.session(None), proposal)

    assert (await app.session(None)).history.unfinished is None
    assert await scratch_databases(app) == []


async def test_what_the_backups_files_tell_stops_the_restore_in_the_dry_run_and_before_anything_is_loaded(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading takes hours, and a role that was dropped since the backup is known before."""
    project, app = place
    role = f"reader_{urlsplit(project.postgres_url).path[-12:]}"
    await project.on_postgres(f"CREATE ROLE {role}")
    try:
        await project.on_postgres(f"GRANT SELECT ON items TO {role}")
        label = await backed_up(app)
    finally:
        # The database in which the backup was proven has the same grants.
        session = await app.session(None)
        await session.target.sweep(session.identity)
        await project.on_postgres(f"DROP OWNED BY {role}")
        await project.on_postgres(f"DROP ROLE {role}")
    loaded: list[object] = []

    async def load(*arguments: object, **_named: object) -> None:
        loaded.append(arguments)

    async def loses(*_arguments: object) -> bool:
        return False

    with monkeypatch.context() as patched:
        patched.setattr(PostgresBackend, "load", load)
        # A server that loses indexes when it renames a collection from database to database.
        patched.setattr(replaceable, "_survives", loses)
        shown = await call(app, "restore_backup", label=label)
        session = await app.session(None)
        proposal = planning.recall(session, shown.plan_id)
        await approving.approve_by_answer(session, proposal)
        async with refusal(project, app, "copy-not-complete", role):
            await restoring.restore(await app.session(None), proposal)

    stops = {(found["rule"], found["backend"]) for found in shown.findings if found["severity"] == "error"}
    assert stops == {("copy-not-complete", "postgres"), ("replacement-impossible", "mongodb")}
    assert loaded == []
    assert await scratch_databases(app) == []


async def test_a_time_series_is_refused_by_its_name_before_anything_is_loaded(place: Place) -> None:
    """MongoDB cannot rename one, so nothing could be put aside."""
    project, app = place
    label = await backed_up(app)
    collection = project.on_mongodb()
    await collection.create_collection("measured", timeseries={"timeField": "at"})
    await collection.client.close()
    session = await app.session(None)
    proposal = await planning.propose_restore(session, label)
    await approving.approve_by_answer(session, proposal)

    async with refusal(project, app, "replacement-impossible", "measured is a time series", "new database"):
        await restoring.restore(await app.session(None), proposal)
    assert await scratch_databases(app) == []


async def test_the_folder_of_another_targets_backup_is_refused(
    place: Place, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F09: a dump in the right format of the wrong databases would be restored without a complaint."""
    project, app = place
    label = await backed_up(app)
    folder = project.root / ".database-migration" / "backups" / label
    (tmp_path / "other").mkdir()
    async with (
        fresh_postgres_database(servers.postgres_url) as postgres_url,
        fresh_mongodb_database(servers.mongodb_url) as mongodb_url,
    ):
        with monkeypatch.context() as patched:
            async with a_project(tmp_path / "other", postgres_url, mongodb_url, patched) as (other, others):
                await detecting.detect_databases(others, None)
                others_label = await backed_up(others)
                foreign = other.root / ".database-migration" / "backups" / others_label
                shutil.rmtree(folder)
                shutil.copytree(foreign, folder)
                shutil.copytree(foreign, folder.parent / others_label)

    async with refusal(project, app, "backup-of-another-target", label, others_label):
        await call(app, "restore_backup", label=label)
    async with refusal(project, app, "backup-of-another-target", "ledger"):
        await call(app, "restore_backup", label=others_label)


async def test_files_of_two_backups_are_no_backup(place: Place) -> None:
    """F45: the two databases of a pair belong to one moment; halves of two backups are a pair that never was."""
    project, app = place
    older = await backed_up(app)
    await project.on_postgres('UPDATE items SET "Quantity" = "Quantity" + 1')
    newer = await backed_up(app)
    backups = project.root / ".database-migration" / "backups"
    shutil.rmtree(backups / newer / "postgres")
    shutil.copytree(backups / older / "postgres", backups / newer / "postgres")

    session = await app.session(None)
    proposal = await planning.propose_restore(session, newer)
    await approving.approve_by_answer(session, proposal)
    async with refusal(project, app, "backup-damaged", "postgres"):
        await restoring.restore(await app.session(None), proposal)

    manifest = backups / newer / "manifest.json"
    words, old = json.loads(manifest.read_text()), json.loads((backups / older / "manifest.json").read_text())
    words["dumps"]["postgres"] = old["dumps"]["postgres"]
    manifest.write_text(json.dumps(words))
    session = await app.session(None)
    mixed = await planning.propose_restore(session, newer)
    await approving.approve_by_answer(session, mixed)
    # A manifest that fits the mixed files is not the one that was proven.
    async with refusal(project, app, "backup-unknown", "this manifest"):
        await restoring.restore(await app.session(None), mixed)


async def test_a_dry_run_says_what_would_go_out_of_sight_and_the_outcome_what_did(place: Place) -> None:
    """F34: who approves a restore must know how much it costs, and of which moment the backup is."""
    project, app = place
    label = await backed_up(app)
    await project.on_postgres('UPDATE items SET "ItemDesc" = \'new\' WHERE "ItemID" <= 2')
    items = project.on_mongodb()["item"]
    await items.update_one({"ItemID": 3}, {"$set": {"Quantity": 99}})
    await items.database.command({"create": "cheap", "viewOn": "item", "pipeline": []})
    await project.on_postgres("CREATE VIEW cheap AS SELECT 1 AS one")

    shown = await call(app, "restore_backup", label=label)
    again = await call(app, "restore_backup", label=label)
    await items.update_one({"ItemID": 4}, {"$set": {"ItemName": "later"}})
    await project.on_postgres('DELETE FROM items WHERE "ItemID" = 7')
    later = await call(app, "restore_backup", label=label)

    asked, asked_later = shown.plan["question"], later.plan["question"]
    assert "postgres as of 20" in asked
    assert "- postgres items: 12 records in the backup, 12 now, 2 added or changed since" in asked
    assert "- mongodb items: 12 records in the backup, 12 now, it is not known how many" in asked
    assert "Quantity" in asked
    assert "- mongodb cheap: a view that the backup does not have like this" in asked
    assert "- postgres: the schema of today is another one" in asked
    assert "ItemName" not in asked
    assert again.plan["question"] == asked
    assert "12 records in the backup, 11 now" in asked_later
    assert "ItemName" in asked_later
    # People go on writing while somebody decides, and that must not make the plan another one.
    assert shown.plan_id == again.plan_id == later.plan_id
    told = [found["message"] for found in later.findings if found["rule"] == "written-since-the-backup"]
    assert len(told) == 2

    session = await app.session(None)
    await approving.approve_by_answer(session, planning.recall(session, later.plan_id))
    await project.on_postgres('UPDATE items SET "ItemDesc" = \'newer\' WHERE "ItemID" = 5')
    await items.database.client.close()
    applied = await call(app, "restore_backup", label=label, plan_id=later.plan_id)
    assert "3 records added or changed since were put out of sight" in applied.summary
    assert "mongodb items, which cannot be counted" in applied.summary
    assert any("postgres items" in line for line in applied.outcome["hidden"])


async def test_the_identity_after_a_restore_needs_no_new_adoption(place: Place) -> None:
    """Another database answers under the name now; the ledger was told, so that the work goes on at once."""
    project, app = place
    label = await backed_up(app)
    before = (await app.session(None)).identities
    session = await app.session(None)
    proposal = await planning.propose_restore(session, label)
    await approving.approve_by_answer(session, proposal)
    await restoring.restore(await app.session(None), proposal)

    other = Application(project.root)
    try:
        session = await other.session(None)
        assert session.identities != before
        assert (await call(other, "verify_integrity", depth="full")).ok
        again = await planning.propose_restore(session, label)
        assert again.plan.id != proposal.plan.id
        with pytest.raises(MigrationError) as refused:
            await restoring.restore(await other.session(None), again)
        assert isinstance(refused.value, Refused)
        assert refused.value.code == "approval-missing"
    finally:
        await other.close()
    assert (await content(app))[0]
