"""An index whose concurrent build was interrupted hinders no backup, and is told until it is gone."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from skill_server.application import detecting, restoring, verifying
from skill_server.tools.backup import backup
from skill_server.verify.context import Depth
from tests.support.project import a_project
from tests.workflow.test_restore import proposed


async def test_a_half_built_index_is_named_by_the_backup_that_leaves_it_out_and_by_verifications(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump says nothing of it, so whoever trusts the backup has to hear it from us."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        assert "not_in_it" not in (await backup(app)).proof
        with pytest.raises(asyncpg.UniqueViolationError):
            await project.on_postgres('CREATE UNIQUE INDEX CONCURRENTLY half_built ON items ("OwnerID")')

        made = await backup(app)
        found = await verifying.verify_target(await app.session(None), Depth.QUICK)
        await restoring.restore(await app.session(None), await proposed(app, made.label))
        after = await verifying.verify_target(await app.session(None), Depth.QUICK)

        named = "postgres: index half_built of items is invalid"
        assert made.proof["not_in_it"] == [f"{named}; drop it, or build it again"]
        assert {result.check: result.problems for result in found.checks if not result.passed} == {
            "index_validity": (named,)
        }
        assert after.passed
