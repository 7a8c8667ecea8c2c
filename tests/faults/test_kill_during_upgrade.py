"""A server process that is killed in the middle of an upgrade: the next identical call ends it, on both databases."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from skill_server import changes
from skill_server.application import (
    applying,
    approving,
    backing_up,
    detecting,
    generating,
    planning,
    rehearsing,
    verifying,
)
from skill_server.application.application import Application
from skill_server.errors import Failed
from skill_server.model import content as contents
from skill_server.model.receipt import Event, EventKind
from skill_server.verify.context import Depth
from tests.support.project import NUMBERED, Project, a_project, a_record, content

RECORDS = 170
WITHIN_S = 30.0
LEDGER = "database_migration"
RATING = '    rating: Mapped[int | None] = mapped_column(Integer, server_default=text("7"))\n'


class Watched:
    """Another server process that applies a plan, and what both databases show of it."""

    def __init__(self, project: Project, revision: str, plan_id: str) -> None:
        self._project = project
        self._plan_id = plan_id
        self.mongodb = project.on_mongodb()
        self._command = (
            *(sys.executable, "-m", "skill_server", "--project", str(project.root), "run-upgrade"),
            *("--revision", revision, "--plan-id", plan_id, "--json"),
        )

    async def killed_once(self, moment: str) -> None:
        """Start the server, kill it with SIGKILL as soon as a moment has come, and let its lease run out."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env={**self._project.environment, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(WITHIN_S):
                while not await self.has_come(moment):
                    assert process.returncode is None, f"the run ended before {moment}"
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        # Nobody waits for half a minute here: the server's own time says that the dead owner's lease is over.
        await self.mongodb[f"{LEDGER}.lock"].update_one(
            {"_id": "migration"}, {"$set": {"until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )

    async def has_come(self, moment: str) -> bool:
        """Say whether the databases show that a moment of the run has come."""
        if moment in ("started", "outcome"):
            return await self.mongodb[f"{LEDGER}.event"].find_one({"kind": moment}) is not None
        if moment == "postgres changed":
            table = f"{LEDGER}.journal"
            made = await self._project.on_postgres(f"SELECT to_regclass('{table}') IS NOT NULL AS made")
            marks = f"SELECT 1 FROM {table} WHERE plan_id = '{self._plan_id}'"
            return made[0]["made"] and bool(await self._project.on_postgres(marks))
        half = {"_id.plan": self._plan_id, "detail.records": {"$gt": 0}}
        return await self.mongodb[f"{LEDGER}.journal"].find_one(half) is not None

    async def close(self) -> None:
        """Close the connection that watched."""
        await self.mongodb.client.close()


async def more_records(project: Project, until: int = RECORDS) -> None:
    """Fill both databases with enough records for a backfill of many batches."""
    records = [a_record(number) for number in range(100, until)]
    values = ", ".join(_row(record) for record in records)
    names = ", ".join(f'"{name}"' for name in records[0])
    await project.on_postgres(f"INSERT INTO items ({names}) VALUES {values}")
    for statement in NUMBERED:
        await project.on_postgres(statement)
    items = project.on_mongodb()["item"]
    await items.insert_many([dict(record) for record in records])
    await items.database.client.close()


def _row(record: Mapping[str, Any]) -> str:
    def literal(value: object) -> str:
        if value is None:
            return "NULL"
        return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"

    return f"({', '.join(literal(value) for value in record.values())})"


async def approved_upgrade(project: Project, app: Application) -> tuple[str, str]:
    """Bring an upgrade with steps of every kind to where only the last call is missing; return revision and plan."""
    await detecting.detect_databases(app, None)
    added = changes.build("add_field", entity="items", field="rating", type="Integer", default=7)
    made = await generating.generate(
        await app.session(None),
        summary="Add rating",
        reason="The shop floor asks for it.",
        changes=[
            added,
            changes.build("rename_field", entity="items", field="ItemDesc", to="description"),
            changes.build("drop_field", entity="items", field="Price"),
        ],
        not_applicable={},
        acknowledged={},
    )
    project.edit_models("ItemDesc: Mapped", "description: Mapped")
    project.edit_models("    Price: Mapped[str | None] = mapped_column(String(32))\n", "")
    project.models.write_text(project.models.read_text() + RATING)
    session = await app.session(None)
    proposal = await planning.propose_upgrade(session, "head")
    await backing_up.back_up(await app.session(None))
    report, _ = await rehearsing.rehearse_plan(await app.session(None), proposal.plan.id)
    assert report.passed, report.problems
    await approving.approve_by_answer(await app.session(None), proposal)
    return made.migration.revision, proposal.plan.id


async def called_again(app: Application, plan_id: str) -> Event | None:
    """Make the identical call, asking a person again only where the gate says so; None where it rolled back."""
    session = await app.session(None)
    if session.history.unfinished != plan_id and planning.recall(session, plan_id).outcome is None:
        await approving.approve_by_answer(session, planning.recall(session, plan_id))
    try:
        return await applying.apply(session, planning.recall(session, plan_id))
    except Failed:
        # The only failure of an apply; what must be true after it is for the caller to check.
        return None


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    "moment", ["started", "postgres changed", "half of the documents changed", "outcome"]
)
async def test_a_killed_upgrade_is_ended_by_the_next_identical_call(
    tmp_path: Path,
    postgres_database: str,
    mongo_database: str,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """`kill -9` runs no handler at all, so only what the databases hold can tell the next server what is left to do."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        (project.root / "database-migration.toml").write_text(
            (project.root / "database-migration.toml").read_text() + "\n[policy]\nbatch_records = 5\n"
        )
        await more_records(project)
        before = await content(app)
        revision, plan_id = await approved_upgrade(project, app)
        rehearsed = (await app.session(None)).events
        after = next(event.body["after"] for event in rehearsed if event.kind is EventKind.REHEARSAL)
        watched = Watched(project, revision, plan_id)
        try:
            await watched.killed_once(moment)
        finally:
            await watched.close()

        outcome = await called_again(app, plan_id)

        schemas, values = await content(app)
        state = (await app.session(None)).history
        assert state.unfinished is None
        assert state.needs_attention is None
        assert [entry.revision for entry in state.applied] == ([revision] if outcome else [])
        if outcome is None:
            assert schemas == before[0]
            assert contents.compare(before[1], values) == ()
            return
        assert {str(kind): found for kind, found in schemas.items()} == after
        touched = frozenset(planning.recall(await app.session(None), plan_id).plan.touched)
        assert contents.compare(before[1], values, touched=touched) == ()
        await every_value_moved(project)
        assert (await verifying.verify_target(await app.session(None), Depth.FULL)).passed
        again = await called_again(app, plan_id)
        assert again is not None
        assert again.seq == outcome.seq


async def every_value_moved(project: Project) -> None:
    """Check each renamed and added value of both databases against the record it was made from."""
    rows = await project.on_postgres('SELECT "ItemID", description, rating FROM items ORDER BY 1')
    items = project.on_mongodb()["item"]
    documents = await items.find({}).sort("ItemID", 1).to_list(None)
    await items.database.client.close()
    assert len(rows) == len(documents)
    for row, document in zip(rows, documents, strict=True):
        expected = a_record(row["ItemID"])["ItemDesc"]
        assert (row["description"], row["rating"]) == (expected, 7)
        assert (document.get("description"), document["rating"]) == (expected, 7)
        assert not {"ItemDesc", "Price"} & document.keys()
