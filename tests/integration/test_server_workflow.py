"""The whole workflow as an assistant drives it: one server process over stdio, real databases, both protocol eras."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitResult

from skill_server.application.application import Application
from skill_server.ledger import history
from skill_server.model import content as contents
from skill_server.model.receipt import EventKind
from tests.support.clients import ERAS, Person, answer, over_stdio, who_applies
from tests.support.project import Project, a_project, content

CONDITION = '    condition: Mapped[str | None] = mapped_column(String(40), server_default="unknown")\n'
CHANGES = [
    {
        "kind": "add_field",
        "entity": "items",
        "field": "condition",
        "type": "String(40)",
        "default": "unknown",
    },
    {"kind": "rename_field", "entity": "items", "field": "ItemDesc", "to": "description"},
]
NOT_CONSENT = (
    ElicitResult(action="decline"),
    ElicitResult(action="cancel"),
    ElicitResult(action="accept", content={}),
    ElicitResult(action="accept", content={"decision": "do_not_apply"}),
    ElicitResult(action="accept", content={"decision": "yes"}),
)
LARGEST_RESULT = 20_000
Opened = Callable[[], AbstractAsyncContextManager[tuple[Project, Application]]]


@pytest.fixture
def opened(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> Opened:
    """A project of this test alone, with an application that looks at its databases from outside the server."""

    @asynccontextmanager
    async def project() -> AsyncGenerator[tuple[Project, Application]]:
        async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as both:
            yield both

    return project


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and return its structured answer, which must be of a size that an assistant can read."""
    result = await client.call_tool(tool, arguments)
    assert len(result.model_dump_json()) < 2 * LARGEST_RESULT
    return answer(result)


async def rehearsed(client: Client, project: Project) -> str:
    """Take a wish as far as it goes without a person; return the id of the plan."""
    assert (await called(client, "detect_db_type"))["active"] == "postgres"
    assert (await called(client, "inspect_schema", entity="items"))["entities"]["mongodb"]
    made = await called(
        client, "generate_migration", summary="Add condition", reason="Asked for.", changes=CHANGES
    )
    project.edit_models("ItemDesc: Mapped", "description: Mapped")
    project.models.write_text(project.models.read_text() + CONDITION)
    reviewed = await called(client, "review_migration", revision=made["revision"])
    assert reviewed["errors"] == 0, reviewed["findings"]
    plan_id = reviewed["plan_id"]
    early = await called(client, "run_upgrade", plan_id=plan_id)
    assert (early["code"], early["next_tool"]) == ("backup-missing", "backup")
    assert "person_approved" in early["missing"]
    await proven(client, plan_id)
    return plan_id


async def proven(client: Client, plan_id: str) -> None:
    """Back up and rehearse a plan."""
    taken = await called(client, "backup")
    assert (taken["next_tool"], taken["next_args"]["plan_id"]) == ("rehearse_migration", plan_id)
    rehearsal = await called(client, "rehearse_migration", plan_id=plan_id)
    assert rehearsal["ok"], rehearsal["summary"]
    assert rehearsal["next_args"]["plan_id"] == plan_id


async def applied_plans(app: Application) -> list[str]:
    """Return the plans that the ledger says were begun, however often."""
    session = await app.session(None)
    return [event.bound["plan"] for event in session.events if event.kind is EventKind.STARTED]


@pytest.mark.parametrize("era", ERAS)
async def test_a_wish_goes_up_and_down_again_with_a_person_asked_each_time(opened: Opened, era: str) -> None:
    """The main job, in both eras: shown, refused, proven, approved, applied, verified and taken back."""
    person = who_applies()
    async with opened() as (project, app), over_stdio(project.environment, era, person) as client:
        before = await content(app)
        plan_id = await rehearsed(client, project)
        shown = await called(client, "run_upgrade")
        assert (shown["state"], shown["plan_id"], shown["missing"]) == ("shown", plan_id, ["person_approved"])
        assert shown["next_args"]["plan_id"] == plan_id
        assert person.asked == []

        done = await called(client, "run_upgrade", plan_id=plan_id)
        assert (done["state"], done["outcome"]["result"]) == ("applied", "applied"), done
        assert person.asked == [shown["plan"]["question"]]
        again = await called(client, "run_upgrade", plan_id=plan_id)
        assert again["outcome"] == done["outcome"]
        assert (await called(client, "run_upgrade"))["state"] == "nothing_to_do"
        assert (await called(client, "verify_integrity", depth="full"))["ok"]

        project.edit_models("description: Mapped", "ItemDesc: Mapped")
        project.models.write_text(project.models.read_text().replace(CONDITION, ""))
        back = await called(client, "run_downgrade")
        await proven(client, back["plan_id"])
        undone = await called(client, "run_downgrade", plan_id=back["plan_id"])
        assert undone["state"] == "applied", undone
        assert len(person.asked) == 2
        assert (await called(client, "migration_status"))["applied"] == []
        after = await content(app)
        assert after[0] == before[0]
        assert contents.compare(before[1], after[1]) == ()


@pytest.mark.parametrize("era", ERAS)
async def test_only_the_one_word_of_consent_applies_a_plan(opened: Opened, era: str) -> None:
    """A form that is closed, sent as it opened, or filled with something else must change nothing."""
    person = Person(NOT_CONSENT[0])
    async with opened() as (project, app), over_stdio(project.environment, era, person) as client:
        before = await content(app)
        plan_id = await rehearsed(client, project)
        for reply in NOT_CONSENT:
            person.answer = reply
            refused = await called(client, "run_upgrade", plan_id=plan_id)
            assert (refused["code"], refused["state"]) == ("approval-declined", "untouched"), reply

        assert len(person.asked) == len(NOT_CONSENT)
        assert await applied_plans(app) == []
        assert await content(app) == before


async def test_a_client_that_cannot_ask_is_told_how_a_person_approves(opened: Opened) -> None:
    """Most clients show no forms; their users need the other way, not a protocol error."""
    async with opened() as (project, app), over_stdio(project.environment, ERAS[1]) as client:
        plan_id = await rehearsed(client, project)
        refused = await called(client, "run_upgrade", plan_id=plan_id)

        assert refused["code"] == "approval-missing"
        assert f"database-migration approve {plan_id}" in refused["help"]
        assert await applied_plans(app) == []


async def test_nobody_is_asked_for_what_would_be_refused_anyway(opened: Opened) -> None:
    """A person who is asked in vain stops reading the questions."""
    person = who_applies()
    async with opened() as (project, app), over_stdio(project.environment, ERAS[1], person) as client:
        await called(client, "detect_db_type")
        made = await called(
            client, "generate_migration", summary="Add condition", reason="Asked for.", changes=CHANGES
        )
        plan_id = (await called(client, "review_migration", revision=made["revision"]))["plan_id"]
        early = await called(client, "run_upgrade", plan_id=plan_id)
        assert {"backup_is_verified", "models_match_the_plan", "person_approved"} <= set(early["missing"])
        assert (await called(client, "run_upgrade", plan_id="0" * 32))["code"] == "plan-unknown"
        wrong_tool = await called(client, "run_downgrade", plan_id=plan_id)
        assert (wrong_tool["code"], wrong_tool["next_tool"]) == ("plan-of-another-tool", "run_upgrade")

        file = project.root / made["file"]
        await called(client, "backup")
        file.write_text(file.read_text().replace('"unknown"', '"as new"'))
        assert (await called(client, "run_upgrade", plan_id=plan_id))["code"] == "plan-stale"
        assert person.asked == []
        assert await applied_plans(app) == []


async def test_an_accepted_answer_that_is_sent_again_applies_nothing_twice(opened: Opened) -> None:
    """The newer protocol's state may be replayed for ten minutes, and the SDK would run the call again."""
    async with opened() as (project, app), over_stdio(project.environment, ERAS[1], who_applies()) as client:
        plan_id = await rehearsed(client, project)
        arguments = {"plan_id": plan_id}
        asked: Any = await client.session.call_tool("run_upgrade", arguments, allow_input_required=True)
        replies: Any = dict.fromkeys(
            asked.input_requests, ElicitResult(action="accept", content={"decision": "apply"})
        )
        first, second = [
            await client.session.call_tool(
                "run_upgrade", arguments, input_responses=replies, request_state=asked.request_state
            )
            for _ in range(2)
        ]

        assert answer(first)["state"] == answer(second)["state"] == "applied"
        assert answer(first)["outcome"] == answer(second)["outcome"]
        assert await applied_plans(app) == [plan_id]
        session = await app.session(None)
        assert history.latest(session.events, EventKind.OUTCOME, plan=plan_id) is not None
        assert sum(event.kind is EventKind.APPROVAL for event in session.events) == 1


async def test_a_backup_is_put_back_only_after_a_person_was_asked(opened: Opened) -> None:
    """The emergency way has the same two calls: shown first, then applied with an answer."""
    person = who_applies()
    async with opened() as (project, app), over_stdio(project.environment, ERAS[1], person) as client:
        await called(client, "detect_db_type")
        before = await content(app)
        label = (await called(client, "backup"))["label"]
        await project.on_postgres('DELETE FROM items WHERE "ItemID" = 1')
        shown = await called(client, "restore_backup", label=label)
        assert (shown["state"], shown["missing"]) == ("shown", ["person_approved"])
        assert "put aside" in shown["plan"]["question"]
        assert await content(app) != before

        done = await called(client, "restore_backup", label=label, plan_id=shown["plan_id"])
        assert (done["state"], len(person.asked)) == ("applied", 1), done
        assert contents.compare(before[1], (await content(app))[1]) == ()
        other = await called(client, "restore_backup", label="20200101T000000Z-00000000")
        assert (other["ok"], other["state"]) == (False, "untouched")


async def test_progress_of_a_long_call_rises_and_its_operation_can_be_asked_for(opened: Opened) -> None:
    """A person waits for minutes on large data, and must see that something happens."""
    seen: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        assert (total, bool(message)) == (100, True)
        seen.append(progress)

    async with opened() as (project, _app), over_stdio(project.environment, ERAS[1]) as client:
        await called(client, "detect_db_type")
        taken = answer(await client.call_tool("backup", {}, progress_callback=report))
        found = await called(client, "get_operation", operation_id=taken["operation_id"])

        assert seen == sorted(set(seen))
        assert len(seen) > 1
        assert (found["operation"]["tool"], found["operation"]["state"]) == ("backup", "ended")
