"""The way off the legacy database, as commands: copy, compare, and say what differs from then on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skill_server.application import approving, planning
from skill_server.application.application import Application
from skill_server.model import content as contents
from tests.support.command_line import command
from tests.support.project import Project, a_project, a_record, content

MORE = (101, 102, 103)
FIELDS = list(a_record(1))
CHANGES: list[dict[str, Any]] = [
    {
        "kind": "copy_records",
        "entity": "items",
        "source": "items",
        "database": "mongodb",
        "mapping": {name: name for name in FIELDS},
        "key": ["ItemID"],
    },
    {
        "kind": "retype_field",
        "entity": "owners",
        "field": "Name",
        "was": "Text",
        "to": "String(8)",
        "on_bad": "default",
        "bad_default": "unnamed",
    },
]


async def ran(project: Project, *arguments: str) -> dict[str, Any]:
    """Run a command that must succeed, and return its JSON."""
    ended = await command(project.root, *arguments, "--json")
    assert ended.status == 0, ended.told
    return ended.json


async def ended(project: Project, app: Application, tool: str, revision: str) -> dict[str, Any]:
    """Show a plan, prove and approve it, and apply it; return the question."""
    shown = await ran(project, tool, "--revision", revision)
    await ran(project, "backup")
    await ran(project, "rehearse-migration", "--plan-id", shown["plan_id"])
    session = await app.session(None)
    await approving.approve_by_answer(session, planning.recall(session, shown["plan_id"]))
    done = await ran(project, tool, "--revision", revision, "--plan-id", shown["plan_id"])
    assert done["state"] == "applied"
    return shown


async def written_in_mongodb_only(project: Project) -> None:
    """Let the legacy database hold items that the new one lacks, and both an owner with a long name."""
    database = project.on_mongodb()
    await database["item"].insert_many([a_record(number) for number in MORE])
    await database["owner"].insert_one({"OwnerID": 4, "Name": "a name that is too long"})
    await database.client.close()
    await project.on_postgres("""INSERT INTO owners ("Name") VALUES ('a name that is too long')""")


def copied(verified: dict[str, Any]) -> dict[str, Any]:
    """Return the check that compares the copies."""
    (check,) = [check for check in verified["checks"] if check["check"] == "copied_records"]
    return check


@pytest.mark.timeout(120)
async def test_records_are_copied_compared_and_finalized(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who leaves a database wants to read that everything arrived, and later what was written on one side only."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await ran(project, "detect-db-type")
        await written_in_mongodb_only(project)
        before = await content(app)
        file = tmp_path / "changes.json"
        file.write_text(json.dumps(CHANGES))
        words = ("--summary", "Copy", "--reason", "Asked for.", "--changes", f"@{file}")
        revision = (await ran(project, "generate-migration", *words))["revision"]
        name = "    Name: Mapped[str] = mapped_column({}, unique=True)\n"
        project.edit_models(name.format("Text"), name.format("String(8)"))
        reviewed = await ran(project, "review-migration", "--revision", revision)
        assert reviewed["errors"] == 0, reviewed
        replaced = [line for line in reviewed["findings"] if line["rule"] == "values-will-be-replaced"]
        assert {line["backend"] for line in replaced} == {"postgres", "mongodb"}

        await ended(project, app, "run-upgrade", revision)
        assert len(await project.on_postgres("SELECT 1 FROM items")) == 12 + len(MORE)
        (long,) = await project.on_postgres('SELECT "Name" FROM owners WHERE "OwnerID" = 4')
        assert long["Name"] == "unnamed"
        equal = copied(await ran(project, "verify-integrity", "--depth", "counts"))
        assert equal["proven"].startswith("of 15 records that mongodb items makes, 15 are in postgres items")
        assert "7 of 7 fields have equal hashes" in equal["proven"]
        assert equal["problems"] == []

        await project.on_postgres("""UPDATE items SET "Quantity" = 77 WHERE "ItemID" = 2""")
        differing = copied(await ran(project, "verify-integrity", "--depth", "counts"))
        assert "1 records differ" in differing["proven"]
        assert [line for line in differing["problems"] if line.endswith("differs in Quantity")]
        await project.on_postgres("""UPDATE items SET "Quantity" = 2 WHERE "ItemID" = 2""")

        project.edit_models(name.format("String(8)"), name.format("Text"))
        await ended(project, app, "run-downgrade", revision)
        after = await content(app)
        assert after[0] == before[0]
        assert contents.compare(before[1], after[1]) == ()

        project.edit_models(name.format("Text"), name.format("String(8)"))
        await ended(project, app, "run-upgrade", revision)
        await ended(project, app, "finalize-migration", revision)
        status = await ran(project, "migration-status")
        assert status["applied"][0]["finalized"]
        assert status["retired"] == []
        assert len(await project.on_postgres("SELECT 1 FROM items")) == 12 + len(MORE)
