"""Evidence stays bound to what it proves, and an identity to what it names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skill_server.application import backing_up, detecting, planning, restoring
from skill_server.backup.manifest import MANIFEST_FILE
from skill_server.errors import Refused
from skill_server.model.ids import KEPT_NAME
from tests.support.project import a_project
from tests.workflow.test_restore import proposed

KEPT = 40


async def test_a_backup_whose_manifest_was_replaced_does_not_count(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that agree with a forged manifest prove nothing; neither do no files at all."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        taken, *_ = await backing_up.back_up(await app.session(None))
        proposal = await proposed(app, taken.label)
        path = project.root / ".database-migration" / "backups" / taken.label / MANIFEST_FILE
        path.write_text(json.dumps({**json.loads(path.read_text()), "dumps": {}}))

        session = await app.session(None)
        assert await session.facts.backup_damage(taken.label, taken.digest) != ()
        with pytest.raises(Refused, match="manifest"):
            await restoring.restore(session, planning.recall(session, proposal.plan.id))


async def test_what_retired_fields_keep_does_not_change_the_identity_of_a_target(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A side collection gets a random id, which may be smaller than those of the application's collections."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        database = project.on_mongodb()
        for number in range(KEPT):
            await database.create_collection(f"{KEPT_NAME}.items.field_{number}")
        await database.client.close()
        assert (await app.session(None)).history.unfinished is None


async def test_a_ledger_without_entries_is_adopted(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed between making the ledger and its first entry must not lock everybody out."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (_, app):
        await (await app.target(None)).ledger.prepare()
        found = await detecting.detect_databases(app, None)
        assert found.identity.name == "development"
