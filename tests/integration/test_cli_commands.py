"""The tools as commands: the same results and refusals, as JSON or plain lines, with an exit status for scripts."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner

from skill_server.application import approving, planning
from skill_server.application.application import Application
from skill_server.cli import main
from skill_server.errors import MigrationError
from skill_server.ledger.history import Result
from skill_server.model.base import JsonObject
from skill_server.model.receipt import EventKind
from skill_server.tools import discovered
from tests.support.command_line import WITHIN_S, command
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, require_no_secret, require_readable

Place = tuple[Project, Application]
CHANGE = {"kind": "add_field", "entity": "items", "field": "condition", "type": "Text", "default": "unknown"}
FIELD = '    condition: Mapped[str | None] = mapped_column(Text, server_default="unknown")\n'
GENERATE = ("generate-migration", "--summary", "Add condition", "--reason", "Asked for.", "--changes")
REFUSED, USAGE, IN_DOUBT = 1, 2, 3


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project that nobody has detected yet."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        yield found


async def ran(project: Project, *arguments: str) -> dict[str, Any]:
    """Run a command that must succeed, and return its JSON."""
    ended = await command(project.root, *arguments, "--json")
    assert ended.status == 0, ended.told
    require_no_secret(project, ended.told)
    assert ended.errors == ""
    return ended.json


async def test_the_whole_workflow_runs_as_commands(place: Place) -> None:
    """Each tool has its command, with the tool's own result as JSON, to the downgrade and the restore."""
    project, app = place
    before = await content(app)
    assert (await ran(project, "detect-db-type"))["tool"] == "detect_db_type"
    assert {item["name"] for item in (await ran(project, "inspect-schema"))["entities"]["postgres"]} == {
        "items",
        "owners",
    }
    made = await ran(project, *GENERATE, json.dumps([CHANGE]))
    project.models.write_text(project.models.read_text() + FIELD)
    plan_id = (await ran(project, "review-migration"))["plan_id"]
    label = (await ran(project, "backup"))["label"]
    assert (await ran(project, "rehearse-migration", "--plan-id", plan_id))["ok"]
    await approved(app, plan_id)
    assert (await ran(project, "run-upgrade", "--plan-id", plan_id))["state"] == "applied"
    assert (await ran(project, "verify-integrity", "--depth", "full"))["ok"]
    assert (await ran(project, "status"))["applied"][0]["revision"] == made["revision"]
    assert (await ran(project, "migration-status"))["applied_total"] == 1

    shown = await ran(project, "restore-backup", "--label", label)
    await approved(app, shown["plan_id"])
    restored = await ran(project, "restore-backup", "--label", label, "--plan-id", shown["plan_id"])
    assert restored["state"] == "applied"
    assert await content(app) == before
    assert (await ran(project, "status"))["pending"] == [made["revision"]]


async def approved(app: Application, plan_id: str) -> None:
    """Approve a plan as the client's person does."""
    session = await app.session(None)
    await approving.approve_by_answer(session, planning.recall(session, plan_id))


async def test_a_refusal_is_status_1_with_the_same_data_as_through_the_protocol(place: Place) -> None:
    """A script tells refused from done by the status, and reads why and what next."""
    project, app = place
    ended = await command(project.root, "run-upgrade", "--json")
    assert (ended.status, ended.json["code"], ended.json["next_tool"]) == (
        REFUSED,
        "target-not-adopted",
        "detect_db_type",
    )
    await call(app, "detect_db_type")
    await call(app, "generate_migration", summary="Add condition", reason="Asked for.", changes=[CHANGE])
    plan_id = (await call(app, "run_upgrade")).plan_id
    ended = await command(project.root, "run-upgrade", "--plan-id", plan_id, "--json")
    with pytest.raises(MigrationError) as refused:
        await call(app, "run_upgrade", plan_id=plan_id)
    assert ended.status == REFUSED
    found = ended.json
    require_readable(found["code"], found["message"], found["help"], code=refused.value.code)
    assert found["checklist"] == refused.value.detail["checklist"]
    assert found["missing"] == refused.value.detail["missing"]
    assert "backup_is_verified" in found["missing"]
    assert found["state"] == "untouched"


async def test_what_people_read_elsewhere_than_on_a_terminal_is_plain_lines(place: Place) -> None:
    """A log or a pipe gets no boxes and no colours, the refusal goes to standard error, and the way on is named."""
    project, app = place
    await call(app, "detect_db_type")
    await call(app, "generate_migration", summary="Add condition", reason="Asked for.", changes=[CHANGE])
    shown = await command(project.root, "run-upgrade")
    assert shown.status == 0
    assert "Nothing was changed." in shown.out
    assert "next: database-migration" in shown.out
    plan_id = (await call(app, "run_upgrade")).plan_id
    refused = await command(project.root, "run-upgrade", "--plan-id", plan_id)
    assert refused.status == REFUSED
    assert refused.errors.startswith("refused [")
    assert "  NO | A backup of both databases was restored and compared | " in refused.out
    assert " | Call backup." in refused.out
    for text in (shown.told, refused.told):
        assert "\x1b" not in text
        assert not any(character in text for character in "│┃─━┏")
        require_no_secret(project, text)


WRONG = {
    "unknown command": ("drop-everything",),
    "unknown option": ("run-upgrade", "--confirm"),
    "missing option": ("rehearse-migration",),
    "no such choice": ("verify-integrity", "--depth", "deepest"),
    "no JSON": (*GENERATE, "[{"),
    "no such file": (*GENERATE, "@nowhere.json"),
    "no such key": ("approve", "0" * 32, "--key", "/nowhere/key"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_command_that_makes_no_sense_is_status_2(place: Place, case: str) -> None:
    """A mistake in the command is told apart from a refusal, and nothing is opened."""
    project, _ = place
    ended = await command(project.root, *WRONG[case])
    assert ended.status == USAGE
    assert "Error" in ended.errors
    assert ended.out == ""


WRONG_VALUES = {
    "revision": ("run-upgrade", "--revision", "../x"),
    "plan": ("run-upgrade", "--plan-id", "yes"),
    "label": ("restore-backup", "--label", ".."),
    "change": (*GENERATE, '[{"kind": "drop_table", "entity": "items"}]'),
    "unknown word in a change": (*GENERATE, json.dumps([{**CHANGE, "confirm": True}])),
}


@pytest.mark.parametrize("case", WRONG_VALUES)
async def test_a_value_that_does_not_fit_is_refused_in_the_tools_own_words(place: Place, case: str) -> None:
    """Strict arguments hold on the command line as they do through the protocol."""
    project, _ = place
    ended = await command(project.root, *WRONG_VALUES[case], "--json")
    assert (ended.status, ended.json["code"]) == (REFUSED, "arguments-invalid")


async def test_changes_can_be_read_from_a_file(place: Place) -> None:
    """A long list of changes needs no quoting in a shell."""
    project, app = place
    await call(app, "detect_db_type")
    file = project.root / "changes.json"
    file.write_text(json.dumps([CHANGE]))
    assert (await ran(project, *GENERATE, f"@{file}"))["changes"]


async def test_an_outcome_in_doubt_is_status_3(place: Place) -> None:
    """A script must not repeat what may have happened, so it can tell this from every other failure."""
    project, app = place
    await call(app, "detect_db_type")
    await call(app, "generate_migration", summary="Add condition", reason="Asked for.", changes=[CHANGE])
    plan_id = (await call(app, "run_upgrade")).plan_id
    # What a run leaves that could be neither finished nor undone.
    session = await app.session(None)
    bound = {
        "plan": plan_id,
        "ledger": session.identity.ledger_id,
        "kind": "upgrade",
        "revision": "20260101_a",
    }
    body: JsonObject = {
        "result": Result.NEEDS_ATTENTION,
        "code": None,
        "problem": "it broke",
        "checks": {},
        "after": {},
    }
    await session.target.ledger.record(EventKind.OUTCOME, bound={**bound, "subject": "0"}, body=body)

    ended = await command(project.root, "run-upgrade", "--plan-id", plan_id, "--json")
    assert (ended.status, ended.json["state"]) == (IN_DOUBT, "in_doubt")
    require_readable(
        ended.json["code"],
        ended.json["message"],
        ended.json["help"],
        code="needs-attention",
        phrases=("ended half-way", "Call migration_status"),
    )
    assert "Something is open" in (await ran(project, "status"))["summary"]


def test_every_tool_has_a_command_and_every_command_a_help() -> None:
    """The room of the tools is the list of commands; each says what it does and what its options mean."""
    names = main.cli.list_commands(main.cli.make_context("x", ["--help"], resilient_parsing=True))
    assert {tool.name.replace("_", "-") for tool in discovered()} <= set(names)
    assert set(main.OWN) <= set(names)
    listed = CliRunner().invoke(main.cli, ["--help"]).output
    for name in names:
        assert f"  {name} " in listed
        ended = CliRunner().invoke(main.cli, [name, "--help"])
        assert ended.exit_code == 0
        assert "Usage:" in ended.output
    for tool in discovered():
        ended = CliRunner().invoke(main.cli, [tool.name.replace("_", "-"), "--help"])
        words = " ".join(ended.output.split())
        assert tool.description.split(".")[0].replace("\n", " ")[:60] in words
        options = ended.output[ended.output.index("Options:") :].splitlines()[1:]
        assert all(len(line.split("  ")) > 2 for line in options if line.startswith("  -")), ended.output


async def test_serve_lists_its_tools_with_nothing_configured(tmp_path: Path) -> None:
    """A client can be set up before the project is; without a command and a terminal the module serves as well."""
    messages = (
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "0"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    for words in (("serve",), ()):
        served = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "skill_server", *words),
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert served.stdin is not None
        assert served.stdout is not None
        for message in messages:
            served.stdin.write(json.dumps(message).encode() + b"\n")
        async with asyncio.timeout(WITHIN_S):
            while (answer := json.loads(await served.stdout.readline())).get("id") != 2:
                assert "error" not in answer
            served.stdin.close()
            assert await served.wait() == 0
        assert {tool["name"] for tool in answer["result"]["tools"]} == {tool.name for tool in discovered()}
    assert list(tmp_path.iterdir()) == []
