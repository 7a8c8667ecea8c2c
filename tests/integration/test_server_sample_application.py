"""The wish of the sample application's users, through the protocol: add a condition, rename the description."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from examples.item_management.app.seeding import seed
from skill_server import server
from skill_server.application.application import Application
from tests.support.clients import answer, who_applies

SAMPLE = Path(__file__).parents[2] / "examples" / "item_management"
CONFIGURATION = """\
default_target = "development"
models = "app/models"
code = ["app"]

[names]
items = { mongodb = "item" }
users = { mongodb = "user" }
item_types = { mongodb = "type" }
locations = { mongodb = "location" }
logs = { mongodb = "log" }

[targets.development]
environment = "development"
"""
LARGEST_RESULT = 20_000


async def called(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool and return its structured answer, which must be of a size that an assistant can read."""
    result = await client.call_tool(tool, arguments)
    assert len(str(result.structured_content)) < LARGEST_RESULT
    return answer(result)


async def seeded_sample(
    folder: Path, postgres_url: str, mongodb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return a project with the sample application's code, whose databases hold its records."""
    project = folder / "project"
    shutil.copytree(SAMPLE / "app", project / "app")
    (project / "migrations").mkdir()
    (project / "database-migration.toml").write_text(CONFIGURATION)
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("MONGO_URI", mongodb_url)
    monkeypatch.setenv("DB_TYPE", "mongodb")
    monkeypatch.setenv("DATABASE_MIGRATION_KEY_FILE", str(folder / "server" / "ledger.key"))
    await seed(postgres_url, mongodb_url, items=40, users=8, logs=60)
    return project


async def test_the_sample_applications_first_wish_waits_until_its_code_follows(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names differ between the databases, the code still uses the old one, and the gate must see both."""
    project = await seeded_sample(tmp_path, postgres_database, mongo_database, monkeypatch)
    app = Application(project)
    try:
        async with Client(server.build(app), elicitation_callback=who_applies()) as client:
            assert (await called(client, "detect_db_type"))["active"] == "mongodb"
            (item,) = (await called(client, "inspect_schema", entity="items"))["entities"]["mongodb"]
            assert item["native_name"] == "item"
            made = await called(
                client,
                "generate_migration",
                summary="Add condition and rename ItemDesc",
                reason="The shop floor asks for it.",
                changes=[
                    {"kind": "add_field", "entity": "items", "field": "condition", "type": "String(40)"},
                    {"kind": "rename_field", "entity": "items", "field": "ItemDesc", "to": "description"},
                ],
            )
            reviewed = await called(client, "review_migration")
            assert reviewed["revision"] == made["revision"]
            assert any(finding.get("file") for finding in reviewed["findings"])
            blocked = await called(client, "run_upgrade", plan_id=reviewed["plan_id"])
            assert {"contract_is_kept", "models_match_the_plan"} <= set(blocked["missing"])
    finally:
        await app.close()
