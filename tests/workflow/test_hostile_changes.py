"""Code and statements of an author who means harm: refused before anything runs, and shown as what they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skill_server.application.application import Application
from tests.support.project import Project, a_project
from tests.support.refusals import call, refusal

Place = tuple[Project, Application]
HARMLESS = """def cut(record):
    return {"head": record["ItemDesc"], "rest": None}"""
BACK = """def back(record):
    return {"ItemDesc": record["head"]}"""
READS_THE_ENVIRONMENT = {
    "import": 'import os\n    return {"head": os.environ["DATABASE_URL"], "rest": None}',
    "import by name": 'return {"head": str(__import__("os").environ), "rest": None}',
    "open": 'return {"head": open("/proc/self/environ").read(), "rest": ().__class__.__name__}',
    "globals of a function": 'import json\n    return {"head": str(json.dumps.__globals__), "rest": None}',
    "text that looks up": 'return {"head": "{0.__class__}".format(record), "rest": None}',
}
REACHES_OUT = {
    "files": "SELECT pg_read_file('/etc/passwd')",
    "programs": "COPY items TO PROGRAM 'id'",
    "the ledger": "DELETE FROM database_migration.event",
    "two at once": "SELECT 1; DROP TABLE items",
}


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project that was detected."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        await call(found[1], "detect_db_type")
        yield found


def a_split(function: str) -> dict[str, Any]:
    """Return a split by a function."""
    parts = [{"name": "head", "type": "Text"}, {"name": "rest", "type": "Text"}]
    split = {"kind": "split_field", "entity": "items", "field": "ItemDesc", "into": parts}
    return {**split, "function": function, "back_function": BACK}


def a_raw(statement: str, undo: str = "SELECT 1") -> dict[str, Any]:
    """Return a statement on PostgreSQL."""
    return {
        "kind": "raw",
        "entity": "items",
        "postgres": [statement],
        "mongodb": [],
        "undo_postgres": [undo],
        "undo_mongodb": [],
    }


async def generated(app: Application, *changes: dict[str, Any]) -> Any:
    """Write a migration of these changes."""
    return await call(app, "generate_migration", summary="Harm", reason="Asked for.", changes=list(changes))


async def test_a_function_that_looks_for_credentials_is_refused_before_anything_runs(place: Place) -> None:
    """Neither the call nor a file that is edited later brings such code as far as the process that runs it."""
    project, app = place
    made = await generated(app, a_split(HARMLESS))
    file = project.root / made.file
    written = file.read_text("utf-8")
    for body in READS_THE_ENVIRONMENT.values():
        hostile = f"def cut(record):\n    {body}"
        async with refusal(project, app, "arguments-invalid"):
            await generated(app, a_split(hostile))
        file.write_text(written.replace(HARMLESS, hostile))
        assert file.read_text("utf-8") != written
        for tool in ("review_migration", "run_upgrade"):
            async with refusal(project, app, "change-not-valid", "the function is not pure"):
                await call(app, tool, revision=made.revision)
    file.write_text(written)
    assert (await call(app, "review_migration", revision=made.revision)).plan_id


@pytest.mark.parametrize("statement", REACHES_OUT.values(), ids=REACHES_OUT.keys())
async def test_a_statement_that_reaches_beyond_its_step_is_refused(place: Place, statement: str) -> None:
    """Neither direction may hold one, and nothing is written."""
    project, app = place
    for change in (a_raw(statement), a_raw("SELECT 1", statement)):
        async with refusal(project, app, "statement-not-allowed"):
            await generated(app, change)


async def test_what_an_author_wrote_is_shown_escaped_wherever_it_is_shown(place: Place) -> None:
    """A statement may hold text that turns the line around or clears the screen of whoever approves it."""
    _, app = place
    hostile = "UPDATE items SET \"ItemDesc\" = '\u202e\x1b[2JDeletes nothing'"
    await generated(app, a_raw(hostile, 'UPDATE items SET "ItemDesc" = NULL'))

    shown = await call(app, "run_upgrade")
    told = shown.model_dump_json() + shown.plan["question"]
    lines = shown.plan["question"].splitlines()
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\\u202e\\u001b[2JDeletes nothing" in lines[2]
    assert lines[1].startswith("DELETES: run 1 statement")
    assert "Deletes nothing and hides nothing." not in lines
