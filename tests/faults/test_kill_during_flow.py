"""A server process that is killed while a function computes values: the next identical call ends the same flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from skill_server import changes
from skill_server.application import (
    approving,
    backing_up,
    detecting,
    generating,
    planning,
    rehearsing,
    verifying,
)
from skill_server.application.application import Application
from skill_server.model import content as contents
from skill_server.model.ids import KEPT_NAME
from skill_server.verify.context import Depth
from tests.faults.test_kill_during_upgrade import Watched, called_again, more_records
from tests.support.project import Project, a_project, a_record, content

UNTIL = 300
POLICY = "\n[policy]\nbatch_records = 20\n"
OLD = "    ItemDesc: Mapped[str | None] = mapped_column(Text)\n"
FIRST = """def first(record):
    text = record["ItemDesc"]
    return {"head": None, "size": None} if text is None else {"head": text[:3], "size": len(text)}"""
BACK = """def back(record):
    return {"ItemDesc": record["head"]}"""
NEW = """    head: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int | None] = mapped_column(Integer)
"""


class WatchedFlow(Watched):
    """A run whose moment has come when some of the documents, and not all, have their new values."""

    async def has_come(self, moment: str) -> bool:
        """Say whether the store of old values has begun to fill, and the step has not ended."""
        names = await self.mongodb.list_collection_names()
        stores = [name for name in names if name.startswith(f"{KEPT_NAME}.values_")]
        return any([await self.mongodb[name].find_one({}) is not None for name in stores])


async def approved_split(project: Project, app: Application) -> tuple[str, str]:
    """Bring a split by a function to where only the last call is missing; return revision and plan."""
    await detecting.detect_databases(app, None)
    parts = ({"name": "head", "type": "Text"}, {"name": "size", "type": "Integer"})
    split = changes.build(
        "split_field", entity="items", field="ItemDesc", into=parts, function=FIRST, back_function=BACK
    )
    made = await generating.generate(
        await app.session(None),
        summary="Split",
        reason="Asked for.",
        changes=[split],
        not_applicable={},
        acknowledged={},
    )
    project.edit_models(OLD, NEW)
    proposal = await planning.propose_upgrade(await app.session(None), "head")
    await backing_up.back_up(await app.session(None))
    report, _ = await rehearsing.rehearse_plan(await app.session(None), proposal.plan.id)
    assert report.passed, report.problems
    await approving.approve_by_answer(await app.session(None), proposal)
    return made.migration.revision, proposal.plan.id


async def unfinished(project: Project) -> int:
    """Return how many documents have no new value yet."""
    database = project.on_mongodb()
    count = await database["item"].count_documents({"size": {"$exists": False}})
    await database.client.close()
    return count


@pytest.mark.timeout(120)
async def test_a_flow_that_was_killed_half_way_is_ended_by_the_next_identical_call(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values that were written stay, the others follow, each is computed from the old one, and none twice."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        configuration = project.root / "database-migration.toml"
        configuration.write_text(configuration.read_text() + POLICY)
        await more_records(project, UNTIL)
        before = await content(app)
        revision, plan_id = await approved_split(project, app)
        watched = WatchedFlow(project, revision, plan_id)
        try:
            await watched.killed_once("half of the values computed")
        finally:
            await watched.close()
        assert await unfinished(project) > 0

        outcome = await called_again(app, plan_id)

        assert outcome is not None
        assert outcome.body["result"] == "applied"
        session = await app.session(None)
        assert (session.history.unfinished, session.history.needs_attention) == (None, None)
        touched = frozenset(planning.recall(session, plan_id).plan.touched)
        assert contents.compare(before[1], (await content(app))[1], touched=touched) == ()
        await every_value_is_computed_once(project)
        assert (await verifying.verify_target(await app.session(None), Depth.FULL)).passed


async def every_value_is_computed_once(project: Project) -> None:
    """Check the new values of both databases against the record that they were made from."""
    rows = await project.on_postgres('SELECT "ItemID", head, size FROM items ORDER BY 1')
    database = project.on_mongodb()
    documents = await database["item"].find({}).sort("ItemID", 1).to_list(None)
    await database.client.close()
    assert len(rows) == len(documents) > UNTIL - 100
    for row, document in zip(rows, documents, strict=True):
        text = a_record(row["ItemID"])["ItemDesc"]
        expected = (None, None) if text is None else (text[:3], len(text))
        assert (row["head"], row["size"]) == expected
        assert (document.get("head"), document.get("size")) == expected
        assert "ItemDesc" not in document
