"""An index has a name of its own in each database, and one migration drops it in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from skill_server import changes
from skill_server.application import detecting, generating, planning
from skill_server.backends.base import RunPolicy
from skill_server.generate.read import read
from skill_server.plan import build
from skill_server.run import saga
from skill_server.run.saga import Ending
from tests.support.project import a_project, content


async def test_one_migration_drops_an_index_that_each_database_calls_otherwise(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL names indexes after the table, MongoDB after the keys; both are dropped, and both come back."""
    change = changes.build(
        "drop_index", entity="items", name="ix_items_ItemName", names={"mongodb": "ItemName_1"}
    )
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (_, app):
        await detecting.detect_databases(app, None)
        before = await content(app)
        session = await app.session(None)
        made = await generating.generate(
            session,
            summary="Drop the name index",
            reason="Nobody searches by name.",
            changes=[change],
            not_applicable={},
            acknowledged={},
        )
        assert read(made.file).changes == (change,)
        plan = planning.plan_of(session, made.migration)
        report = await saga.carry_out(session.pair, plan, RunPolicy())
        assert report.ending is Ending.APPLIED
        left = {
            index.name
            for snapshot in (await session.pair.inspect()).values()
            for entity in snapshot.entities
            for index in entity.indexes
        }
        assert not {"ix_items_ItemName", "ItemName_1"} & left
        back = build.downgrade(plan, source=await session.pair.fingerprints(), policy={})
        assert (await saga.carry_out(session.pair, back, RunPolicy())).ending is Ending.APPLIED
        assert await content(app) == before
