"""Ledger rows that this server did not write, or no longer finds: nothing runs on them, whoever can write the rows."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skill_server.application.application import Application
from skill_server.ledger import chain
from skill_server.model.receipt import Event, EventKind
from tests.support.command_line import command
from tests.support.project import Project, a_project, content, fill
from tests.support.refusals import call, refusal
from tests.support.servers import Servers, fresh_mongodb_database, fresh_postgres_database

Place = tuple[Project, Application]
ROWS = "database_migration.event"
CHANGE = {"kind": "add_field", "entity": "items", "field": "condition", "type": "Text", "default": "unknown"}
FIELD = '    condition: Mapped[str | None] = mapped_column(Text, server_default="unknown")\n'


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project with a plan in its ledger: adopted, detected, planned."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await call(app, "detect_db_type")
        await call(app, "generate_migration", summary="Add condition", reason="Asked for.", changes=[CHANGE])
        project.models.write_text(project.models.read_text() + FIELD)
        await call(app, "review_migration")
        yield project, app


@asynccontextmanager
async def documents(project: Project) -> AsyncGenerator[Any]:
    """Give the ledger's collection, as somebody with the application's password has it."""
    database = project.on_mongodb()
    async with database.client:
        yield database[ROWS]


async def events(app: Application) -> list[Event]:
    """Return the ledger as the server reads it."""
    return await (await app.target(None)).ledger.events()


async def insert(project: Project, event: Event, *, postgres: bool = True, mongodb: bool = True) -> None:
    """Write a row into the ledgers by other means than this product."""
    if postgres:
        bound, body = json.dumps(event.bound), json.dumps(event.body)
        await project.on_postgres(
            f"INSERT INTO {ROWS} (seq, kind, at, bound, body, mac) VALUES ({event.seq}, '{event.kind}', "
            f"'{event.at.isoformat()}', $json${bound}$json$, $json${body}$json$, '{event.mac}')"
        )
    if mongodb:
        async with documents(project) as rows:
            known = await rows.find_one({"_id": event.seq - 1})
            row = {**known, "_id": event.seq, "kind": str(event.kind), "at": event.at.isoformat()}
            row |= {"bound": json.dumps(event.bound), "body": json.dumps(event.body), "mac": event.mac}
            row.pop("unique", None)
            await rows.insert_one(row)


def approval_after(last: Event, plan_id: str) -> Event:
    """Return an approval as it would be written next, sealed with a key that is not the server's."""
    bound = {**last.bound, "plan": plan_id}
    body = {"channel": "elicitation", "identity": "the client's person"}
    event = last.model_copy(update={"seq": last.seq + 1, "kind": EventKind.APPROVAL, "unique": None})
    return chain.seal(event.model_copy(update={"bound": bound, "body": body}), last.mac, b"x" * 32)


@pytest.mark.parametrize("written", ["postgres", "mongodb", "both"])
async def test_a_forged_approval_stops_everything(place: Place, written: str) -> None:
    """Rows can be written by anybody with the application's password, but not with the server's seal."""
    project, app = place
    plan_id = (await call(app, "run_upgrade")).plan_id
    await call(app, "backup")
    assert (await call(app, "rehearse_migration", plan_id=plan_id)).ok
    forged = approval_after((await events(app))[-1], plan_id)
    await insert(project, forged, postgres=written != "mongodb", mongodb=written != "postgres")
    for tool, given in (
        ("run_upgrade", {"plan_id": plan_id}),
        ("migration_status", {}),
        ("detect_db_type", {}),
    ):
        async with refusal(project, app, "ledger-tampered", f"entry {forged.seq}", "a person finds out"):
            await call(app, tool, **given)


LATER = "2126-01-01T00:00:00.000000+00:00"


@pytest.mark.parametrize("where", ["postgres", "mongodb", "both"])
async def test_a_changed_row_stops_everything(place: Place, where: str) -> None:
    """A receipt that says something else than the server wrote is noticed on either side and on both."""
    project, app = place
    if where != "mongodb":
        await project.on_postgres(f"UPDATE {ROWS} SET at = '{LATER}' WHERE kind = 'detection'")
    if where != "postgres":
        async with documents(project) as rows:
            await rows.update_one({"kind": "detection"}, {"$set": {"at": LATER}})
    # Only where both sides tell the same lie is it left to the seal to notice.
    code = "ledger-tampered" if where == "both" else "ledger-disagrees"
    for tool in ("run_upgrade", "backup"):
        async with refusal(project, app, code):
            await call(app, tool)


async def test_the_newest_row_missing_on_one_side_is_what_a_crash_leaves_and_is_mended(place: Place) -> None:
    """Rows are written to MongoDB first, so a server that died in between leaves one more there."""
    project, app = place
    known = await events(app)
    await project.on_postgres(f"DELETE FROM {ROWS} WHERE seq = {known[-1].seq}")
    assert (await call(app, "migration_status")).ok
    (row,) = await project.on_postgres(f"SELECT max(seq) AS seq FROM {ROWS}")
    assert row["seq"] == known[-1].seq
    assert await events(app) == known


async def test_more_rows_missing_on_one_side_than_a_crash_can_leave_are_refused(place: Place) -> None:
    """Two rows, or one from the middle, were taken by somebody: the side that still has them is not believed alone."""
    project, app = place
    last = (await events(app))[-1].seq
    await project.on_postgres(f"DELETE FROM {ROWS} WHERE seq > {last - 2}")
    async with refusal(project, app, "ledger-disagrees", "the ledger in postgres", "both URLs"):
        await call(app, "run_upgrade")


async def test_a_row_missing_from_the_middle_is_refused_on_one_side_and_on_both(place: Place) -> None:
    """Each row is sealed together with the one before it, so none can be taken out unnoticed."""
    project, app = place
    async with documents(project) as rows:
        await rows.delete_one({"_id": 2})
    async with refusal(project, app, "ledger-disagrees", "the ledger in mongodb"):
        await call(app, "run_upgrade")
    await project.on_postgres(f"DELETE FROM {ROWS} WHERE seq = 2")
    async with refusal(project, app, "ledger-tampered", "entry 3", "one before it is missing"):
        await call(app, "run_upgrade")


async def test_a_server_without_the_key_believes_no_row(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another machine, or an assistant's own copy of the product, has another key."""
    project, app = place
    before = await content(app)
    with monkeypatch.context() as patch:
        patch.setenv("DATABASE_MIGRATION_KEY_FILE", str(project.root.parent / "other" / "ledger.key"))
        ended = await command(project.root, "run-upgrade", "--json")
    assert (ended.status, ended.json["code"]) == (1, "ledger-tampered")
    assert await content(app) == before


async def test_a_ledger_copied_into_other_databases_proves_nothing_there(
    place: Place, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone has the rows and even the key, but it is not the databases that the receipts are about."""
    project, app = place
    async with (
        fresh_postgres_database(servers.postgres_url) as postgres,
        fresh_mongodb_database(servers.mongodb_url) as mongodb,
    ):
        await fill(postgres, mongodb)
        clone = Project(project.root, postgres, mongodb, project.key_file)
        plan_id = (await call(app, "run_upgrade")).plan_id
        for kind, url in (("DATABASE_URL", postgres), ("MONGO_URI", mongodb)):
            monkeypatch.setenv(kind, url)
        other = Application(project.root)
        try:
            await (await other.target(None)).ledger.prepare()
            await copy_rows(project, clone)
            for tool, given in (
                ("detect_db_type", {}),
                ("run_upgrade", {"plan_id": plan_id}),
                ("backup", {}),
            ):
                async with refusal(
                    clone, other, "identity-changed", "other databases", "database-migration adopt"
                ):
                    await call(other, tool, **given)

            adopted = await command(project.root, "adopt", "--json")
            assert adopted.status == 0, adopted.told
            async with refusal(clone, other, "plan-unknown", plan_id):
                await call(other, "run_upgrade", plan_id=plan_id)
            assert (await call(other, "run_upgrade")).plan_id != plan_id
        finally:
            await other.close()


async def copy_rows(source: Project, copy: Project) -> None:
    """Copy every row of both ledgers, as a dump and restore by other means does."""
    for row in await source.on_postgres(f"SELECT to_json(e)::text AS row FROM {ROWS} AS e"):
        text = row["row"]
        await copy.on_postgres(
            f"INSERT INTO {ROWS} SELECT * FROM json_populate_record(NULL::{ROWS}, $json${text}$json$)"
        )
    async with documents(source) as rows, documents(copy) as copies:
        await copies.insert_many(await rows.find().to_list())


async def test_a_broken_ledger_is_replaced_by_a_person_alone(place: Place) -> None:
    """Adopting again does not paper over it: both ledgers are put aside first, and the new one proves nothing old."""
    project, app = place
    plan_id = (await call(app, "run_upgrade")).plan_id
    await insert(project, approval_after((await events(app))[-1], plan_id))
    refused = await command(project.root, "adopt", "--json")
    assert (refused.status, refused.json["code"]) == (1, "ledger-tampered")

    await project.on_postgres(f"ALTER TABLE {ROWS} RENAME TO event_aside")
    async with documents(project) as rows:
        await rows.rename(f"{ROWS}_aside")
    adopted = await command(project.root, "adopt", "--json")
    assert adopted.status == 0, adopted.told
    async with refusal(project, app, "plan-unknown", plan_id):
        await call(app, "run_upgrade", plan_id=plan_id)
    assert "backup_is_verified" in (await call(app, "run_upgrade")).missing
