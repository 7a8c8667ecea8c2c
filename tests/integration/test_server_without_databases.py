"""The server where nothing is configured: it lists everything, and refuses every call with a way out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp import Client, MCPError

from skill_server import server, tools
from skill_server.application.application import Application
from skill_server.errors import InDoubt
from tests.support.clients import ERAS, answer, over_stdio

ARGUMENTS: dict[str, dict[str, Any]] = {
    "generate_migration": {
        "summary": "Add a colour",
        "reason": "Asked for.",
        "changes": [{"kind": "add_field", "entity": "items", "field": "colour", "type": "Text"}],
    },
    "rehearse_migration": {"plan_id": "a" * 32},
    "restore_backup": {"label": "20260101T000000Z-00000000"},
    "finalize_migration": {"revision": "20260101_x"},
}
INITIALIZE = b"""\
{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, \
"clientInfo": {"name": "test", "version": "1"}}}
"""
WITHOUT_TARGET = {"get_operation": {"operation_id": "0" * 12}}


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_configuration_every_call_names_the_command_that_makes_one(
    tmp_path: Path, era: str
) -> None:
    """An assistant that meets an unconfigured project must be able to say what to do."""
    async with Client(server.build(Application(tmp_path)), mode=era) as client:
        for tool in tools.discovered():
            if tool.name in WITHOUT_TARGET:
                continue
            refusal = answer(await client.call_tool(tool.name, ARGUMENTS.get(tool.name, {})))
            assert (refusal["code"], refusal["state"]) == ("not-configured", "untouched"), tool.name
            assert "database-migration init" in refusal["help"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("detect_db_type", {"profile": "x"}),
        ("detect_db_type", {"target": ["development"]}),
        ("run_upgrade", {"revision": None}),
        ("run_upgrade", {"plan_id": "x" * 1_000_000}),
        ("run_upgrade", {"plan_id": "a" * 32, "confirm": True}),
        ("run_upgrade", {"answer": {"decision": "apply"}}),
        ("run_upgrade", {"ctx": 1}),
        ("verify_integrity", {"depth": 10**400}),
        ("rehearse_migration", {}),
        ("generate_migration", {**ARGUMENTS["generate_migration"], "changes": "[]"}),
        ("generate_migration", {**ARGUMENTS["generate_migration"], "changes": [{"kind": "drop_database"}]}),
        ("generate_migration", {**ARGUMENTS["generate_migration"], "not_applicable": {"oracle": "no"}}),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_in_both_eras(
    tmp_path: Path, era: str, name: str, arguments: dict[str, Any]
) -> None:
    """A caller's mistake is an answer that it can mend, small, and never a crash or a silent guess."""
    async with Client(server.build(Application(tmp_path)), mode=era) as client:
        result = await client.call_tool(name, arguments)

    assert answer(result)["code"] == "arguments-invalid"
    assert len(str(result.structured_content)) < 2_000


@pytest.mark.parametrize("era", ERAS)
async def test_prompts_and_resources_are_there(tmp_path: Path, era: str) -> None:
    """Clients show prompts to people and read documents without calling a tool."""
    async with Client(server.build(Application(tmp_path)), mode=era) as client:
        prompts = (await client.list_prompts()).prompts
        for prompt in prompts:
            assert (await client.get_prompt(prompt.name)).messages
        templates = (await client.list_resource_templates()).resource_templates
        checklist = await client.read_resource("checklist://workflow")
        for uri in ("migration://20260101_unknown", "migration://..%2F..%2Fetc%2Fpasswd", "migration://x"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    assert len(prompts) >= 4
    assert [template.uri_template for template in templates] == ["migration://{revision}"]
    assert "person_approved" in str(checklist)


async def test_a_migrations_document_can_be_read(tmp_path: Path) -> None:
    """The document holds every statement in full, where a result cuts them."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "20260101_x.md").write_text("# What it does\n")

    async with Client(server.build(Application(tmp_path))) as client:
        assert "What it does" in str(await client.read_resource("migration://20260101_x"))


class Broken(Application):
    """An application that fails in ways nobody foresaw, or in the one that must not be retried."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def session(self, name: str | None, *, inspected: bool = True) -> Any:
        """Fail."""
        raise self._error


async def test_an_unforeseen_error_tells_its_class_and_keeps_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The text of a foreign error may hold a password or a person's data; the log has it for the owner."""
    error = ZeroDivisionError("postgresql://app:hunter2@db")
    async with Client(server.build(Broken(error))) as client:
        result = await client.call_tool("migration_status", {})

    assert answer(result)["code"] == "internal-error"
    assert "hunter2" not in str(result)
    assert "tool migration_status broke" in caplog.text


async def test_an_unknown_outcome_is_told_from_a_refusal() -> None:
    """A caller that took doubt for a refusal would try again blindly."""
    error = InDoubt(
        "commit-outcome-unknown", "the connection was lost", help="Ask.", next_tool="migration_status"
    )
    async with Client(server.build(Broken(ExceptionGroup("tasks", [error])))) as client:
        told = answer(await client.call_tool("migration_status", {}))

    assert (told["code"], told["state"], told["next_tool"]) == (error.code, "in_doubt", "migration_status")


@pytest.mark.parametrize("era", ERAS)
async def test_the_process_ends_with_its_client(tmp_path: Path, era: str) -> None:
    """An assistant that closes must leave no server behind."""
    environment = {"PATH": os.environ["PATH"], "DATABASE_MIGRATION_PROJECT": str(tmp_path)}
    before = set(psutil.Process().children(recursive=True))
    async with over_stdio(environment | {"PYTHONPATH": str(Path(__file__).parents[2])}, era) as client:
        started = set(psutil.Process().children(recursive=True)) - before
        assert started
        assert len((await client.list_tools()).tools) == len(tools.discovered())
        refusal = answer(await client.call_tool("detect_db_type", {}))

    assert refusal["code"] == "not-configured"
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []


# What a shell does to a program that it starts in the background.
WITHOUT_INTERRUPTS = ("sh", "-c", """trap '' INT; exec "$0" "$@" """)


@pytest.mark.parametrize("started", [(), WITHOUT_INTERRUPTS], ids=["foreground", "background"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_the_process_while_its_client_still_listens(
    tmp_path: Path, number: signal.Signals, started: tuple[str, ...]
) -> None:
    """Supervisors end servers by signals, and standard input that stays open must not hold the process."""
    environment = {"PATH": os.environ["PATH"], "DATABASE_MIGRATION_PROJECT": str(tmp_path)}
    process = subprocess.Popen(
        [*started, sys.executable, "-m", "skill_server", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    with process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(INITIALIZE)
        process.stdin.flush()
        assert b'"result"' in process.stdout.readline()
        try:
            process.send_signal(number)
            assert process.wait(timeout=20) == 128 + signal.SIGINT
        finally:
            process.kill()
