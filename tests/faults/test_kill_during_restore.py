"""A server process that is killed in the middle of a restore: the next identical call ends it, on both databases."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from skill_server.application import approving, backing_up, detecting, planning, restoring, verifying
from skill_server.application.application import Application
from skill_server.backup import manifest as manifests
from skill_server.model import content as contents
from skill_server.verify.context import Depth
from tests.support.project import Project, a_project
from tests.support.servers import with_database

WITHIN_S = 40.0
LEDGER = "database_migration"
MOMENTS = ("loading", "claimed", "between the switches", "both are switched")
CREATED = "SELECT count(*) FROM pg_database WHERE starts_with(datname, $1)"


class Restoring:
    """Another server process that restores a backup, and what both servers show of it."""

    def __init__(self, project: Project, label: str, plan_id: str, ledger_id: str) -> None:
        self._project = project
        self._copies = f"dbm_scratch_restore_{ledger_id[:8]}"
        self._live = urlsplit(project.postgres_url).path.lstrip("/")
        self._mongodb = project.on_mongodb()
        self._command = (
            *(sys.executable, "-m", "skill_server", "--project", str(project.root), "restore-backup"),
            *("--label", label, "--plan-id", plan_id, "--json"),
        )

    async def killed_once(self, moment: str) -> None:
        """Start the server, kill it with SIGKILL as soon as a moment has come, and let its lease run out."""
        outside = await asyncpg.connect(with_database(self._project.postgres_url, "postgres"))
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env={**self._project.environment, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._reached(moment, outside, process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await outside.close()
        # Nobody waits for half a minute here: the server's own time says that the dead owner's lease is over.
        await self._mongodb[f"{LEDGER}.lock"].update_one(
            {"_id": "migration"}, {"$set": {"until": datetime(2000, 1, 1, tzinfo=UTC)}}
        )

    async def _reached(
        self, moment: str, outside: asyncpg.Connection[asyncpg.Record], process: asyncio.subprocess.Process
    ) -> None:
        async def until(holds: Any, *arguments: Any) -> None:
            while not await holds(*arguments):
                assert process.returncode is None, f"the run ended before {moment}"

        if moment == "loading":
            await until(outside.fetchval, CREATED, self._copies)
        elif moment == "both are switched":
            await until(outside.fetchval, CREATED, f"{self._live}_replaced_")
        elif moment == "claimed":
            await until(self._mongodb[f"{LEDGER}.event"].find_one, {"kind": "started"})
        else:
            await until(self._mongodb[f"{LEDGER}.journal"].find_one, {"replaced_with": {"$exists": True}})
            # PostgreSQL cannot rename a database while somebody reads the list of them without letting others write.
            await outside.execute("BEGIN; LOCK TABLE pg_database IN SHARE MODE")
            await until(
                self._mongodb[f"{LEDGER}.journal"].find_one,
                {"replaced_with": {"$exists": True}, "done": True},
            )
            assert await outside.fetchval(CREATED, self._copies) == 1

    async def close(self) -> None:
        """Drop what was put aside on PostgreSQL, and close the connection that watched."""
        await self._mongodb.client.close()
        outside = await asyncpg.connect(with_database(self._project.postgres_url, "postgres"))
        try:
            aside = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
            for row in await outside.fetch(aside, f"{self._live}_replaced_"):
                await outside.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')
        finally:
            await outside.close()


async def damaged(project: Project) -> None:
    """Lose and change records in both databases."""
    await project.on_postgres('DELETE FROM items WHERE "ItemID" > 4')
    await project.on_postgres('UPDATE items SET "Quantity" = 99')
    items = project.on_mongodb()["item"]
    await items.delete_many({"ItemID": {"$gt": 4}})
    await items.update_many({}, {"$set": {"Quantity": 99}})
    await items.database.client.close()


@pytest.mark.timeout(90)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_killed_restore_is_ended_by_the_next_identical_call(
    tmp_path: Path,
    postgres_database: str,
    mongo_database: str,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    """`kill -9` runs no handler, so only claim and journal can tell the next server which half is switched."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        label = (await backing_up.back_up(await app.session(None)))[0].label
        await damaged(project)
        session = await app.session(None)
        proposal = await planning.propose_restore(session, label)
        await approving.approve_by_answer(session, proposal)
        watched = Restoring(project, label, proposal.plan.id, session.identity.ledger_id)
        try:
            await watched.killed_once(moment)

            session = await app.session(None)
            assert (session.history.unfinished is None) == (moment == "loading")
            outcome = await restoring.restore(session, planning.recall(session, proposal.plan.id))

            await as_backed_up(app, label)
            assert outcome.body["differences"] == []
            again = await app.session(None)
            assert (
                await restoring.restore(again, planning.recall(again, proposal.plan.id))
            ).seq == outcome.seq
        finally:
            await watched.close()


async def as_backed_up(app: Application, label: str) -> None:
    """Check that both databases equal the manifest, that nothing is open, and that no copy is left."""
    session = await app.session(None)
    taken = manifests.read(session.settings.backups / label)
    expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
    assert contents.compare(expected, await session.pair.checksums(), kept=True) == ()
    assert await session.pair.fingerprints() == {kind: dump.fingerprint for kind, dump in taken.dumps.items()}
    assert session.history.unfinished is None
    assert (await verifying.verify_target(session, Depth.FULL)).passed
    own = session.identity.ledger_id[:8]
    assert [name for backend in session.pair for name in await backend.scratch() if f"_{own}_" in name] == []
