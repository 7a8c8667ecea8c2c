"""What a person at a terminal gets: tables, and a question before anything that binds or approves."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from skill_server.application.application import Application
from tests.support.command_line import WITHIN_S, command
from tests.support.project import Project, a_project
from tests.support.refusals import call, require_no_secret

Place = tuple[Project, Application]
CHANGE = {"kind": "add_field", "entity": "items", "field": "condition", "type": "Text", "default": "unknown"}


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project that nobody has detected yet."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        yield found


def on_a_terminal(project: Project, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, and return its exit status and what the terminal showed."""
    ours, theirs = pty.openpty()
    try:
        started = subprocess.Popen(
            [sys.executable, "-m", "skill_server", *arguments],
            env={**project.environment, "TERM": "xterm", "COLUMNS": "120"},
            cwd=project.root,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        while piece := _read(ours):
            shown += piece
        return started.wait(timeout=WITHIN_S), shown.decode()
    finally:
        os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        # Linux answers so when the last program on the terminal has ended.
        return b""


async def test_a_terminal_shows_tables(place: Place) -> None:
    """The same result as in a log, with columns that can be read."""
    project, app = place
    await call(app, "detect_db_type")
    await call(app, "generate_migration", summary="Add condition", reason="Asked for.", changes=[CHANGE])
    status, shown = await asyncio.to_thread(on_a_terminal, project, "run-upgrade")
    assert status == 0, shown
    assert "┃" in shown
    assert "checklist" in shown
    assert "next: database-migration" in shown
    require_no_secret(project, shown)

    plan_id = (await call(app, "run_upgrade")).plan_id
    status, shown = await asyncio.to_thread(on_a_terminal, project, "run-upgrade", "--plan-id", plan_id)
    assert status == 1
    assert "refused [" in shown


async def test_a_terminal_without_a_command_gets_the_help(place: Place) -> None:
    """The bare module serves a client, but a person who typed it is not left waiting."""
    _, shown = await asyncio.to_thread(on_a_terminal, place[0])
    assert "Usage:" in shown
    assert "init" in shown


async def test_adopt_asks_a_person_before_it_binds_anything(place: Place) -> None:
    """No is no, and end of input is no as well; yes writes the ledger."""
    project, app = place
    ledger = (await app.target(None)).ledger
    for answers in ("n\n", ""):
        ended = await command(project.root, "adopt", answers=answers)
        assert ended.status == 1
        assert "Do you, a person" in ended.told
        assert not any((await ledger.presence()).values())
    ended = await command(project.root, "adopt", answers="y\n")
    assert (ended.status, "target development adopted: postgres " in ended.out) == (0, True)
    assert len(await ledger.events()) == 2
