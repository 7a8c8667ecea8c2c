"""A restore puts both databases back as they were backed up, also when it is cut in the middle."""

from __future__ import annotations

from pathlib import Path

import pytest

from skill_server.application import approving, backing_up, detecting, planning, restoring
from skill_server.application.application import Application
from skill_server.application.planning import Proposal
from skill_server.backends.postgres.backend import PostgresBackend
from skill_server.errors import Conflict, InDoubt, Refused
from skill_server.model import content as contents
from tests.support.project import Project, a_project, content


async def approved_restore(app: Application) -> Proposal:
    """Detect, back up, and let a person approve putting that backup back."""
    await detecting.detect_databases(app, None)
    session = await app.session(None)
    taken, *_ = await backing_up.back_up(session)
    return await proposed(app, taken.label)


async def proposed(app: Application, label: str) -> Proposal:
    """Plan the restore of a backup and let a person approve it."""
    session = await app.session(None)
    proposal = await planning.propose_restore(session, label)
    await approving.approve_by_answer(session, proposal)
    return proposal


async def lose_items(project: Project) -> None:
    """Delete items in both databases, as a mistake would."""
    await project.on_postgres('DELETE FROM items WHERE "ItemID" > 4')
    collection = project.on_mongodb()["item"]
    await collection.delete_many({"ItemID": {"$gt": 4}})
    await collection.database.client.close()


async def test_a_restore_brings_back_every_value_of_both_databases(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emergency path: what was deleted by hand is there again, and the ledger tells the story."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        proposal = await approved_restore(app)
        before = await content(app)
        await lose_items(project)
        session = await app.session(None)
        await restoring.restore(session, proposal)
        after = await content(app)
        assert after[0] == before[0]
        assert contents.compare(before[1], after[1]) == ()
        again = await app.session(None)
        assert again.history.unfinished is None
        assert (await restoring.restore(again, planning.recall(again, proposal.plan.id))).bound["label"]


async def test_a_restore_cut_between_the_databases_goes_on_with_the_same_call(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One database switched and the other not is the worst moment: nothing else may run until it is finished."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        proposal = await approved_restore(app)
        before = await content(app)
        await lose_items(project)

        async def cut(_self: PostgresBackend, _copy: str) -> None:
            raise Conflict("database-in-use", "the power went", help="Call again.")

        with monkeypatch.context() as patched:
            patched.setattr(PostgresBackend, "replace_with", cut)
            with pytest.raises(InDoubt, match="power") as cut_off:
                await restoring.restore(await app.session(None), proposal)
            # One database is switched, so nothing may call the pair untouched.
            assert (cut_off.value.code, cut_off.value.state) == ("run-interrupted", "in_doubt")
        session = await app.session(None)
        assert session.history.unfinished == proposal.plan.id
        outcome = await restoring.restore(session, planning.recall(session, proposal.plan.id))
        assert outcome.body["differences"] == []
        after = await content(app)
        assert contents.compare(before[1], after[1]) == ()


async def test_a_restore_without_an_approval_changes_nothing(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MUST NOT destroy without a person's confirmation: a restore puts newer data aside."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        session = await app.session(None)
        taken, *_ = await backing_up.back_up(session)
        await lose_items(project)
        before = await content(app)
        session = await app.session(None)
        proposal = await planning.propose_restore(session, taken.label)
        with pytest.raises(Refused) as refusal:
            await restoring.restore(session, proposal)
        assert refusal.value.code == "approval-missing"
        assert contents.compare(before[1], (await content(app))[1]) == ()


async def test_a_second_server_is_refused_while_one_holds_the_lock(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers on one target take turns, and the second learns who works."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        first = await app.session(None)
        other = Application(project.root)
        try:
            second = await other.session(None)
            async with first.locked("a long rehearsal"):
                with pytest.raises(Conflict, match="holds the lock"):
                    await backing_up.back_up(second)
        finally:
            await other.close()
