"""Changes that take entities and values away, on the sample application, whose names differ between the databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from examples.item_management.app.seeding import seed
from skill_server import server
from skill_server.application.application import Application
from skill_server.model import content as contents
from tests.integration.test_server_sample_application import CONFIGURATION
from tests.support.clients import who_applies
from tests.support.project import Project, content
from tests.support.walking import Walk

NOT_CHECKED = ('models = "app/models"\n', 'code = ["app"]\n')
LOGS = 60
CHANGES: list[dict[str, Any]] = [
    {"kind": "drop_entity", "entity": "logs"},
    {"kind": "rename_entity", "entity": "locations", "to": "places"},
    {"kind": "add_check", "entity": "items", "name": "bounds", "field": "Quantity", "minimum": 0},
    {
        "kind": "retype_field",
        "entity": "items",
        "field": "ItemPrice",
        "was": "String(32)",
        "to": "Decimal(12,2)",
        "on_bad": "keep",
    },
]


@pytest.mark.timeout(120)
async def test_the_sample_applications_entities_and_values_go_and_come_back(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data has every type and every oddity of the legacy database, and all of it is there again afterwards."""
    root = tmp_path / "project"
    (root / "migrations").mkdir(parents=True)
    configuration = CONFIGURATION
    for line in NOT_CHECKED:
        configuration = configuration.replace(line, "")
    (root / "database-migration.toml").write_text(configuration)
    project = Project(root, postgres_database, mongo_database, tmp_path / "server" / "ledger.key")
    for name in ("DATABASE_URL", "MONGO_URI", "DB_TYPE", "DATABASE_MIGRATION_KEY_FILE"):
        monkeypatch.setenv(name, project.environment[name])
    await seed(postgres_database, mongo_database, items=40, users=8, logs=LOGS)
    person = who_applies()
    app = Application(root)
    try:
        async with Client(server.build(app), elicitation_callback=person) as client:
            walk = Walk(client, project, person)
            await walk.called("detect_db_type")
            before = await content(app)
            revision = await walk.written("Tidy up", CHANGES)
            await walk.reviewed(revision)

            shown = await walk.ended("run_upgrade", revision=revision)
            lines = shown["plan"]["question"].splitlines()
            assert '"public"."logs"' in lines[1]
            assert "Not checked, because the configuration names none: models, code, test_command" in lines
            retired = (await walk.called("migration_status"))["retired"]
            assert [line["records"] for line in retired if "log" in line["what"]] == [LOGS, LOGS]

            await walk.ended("run_downgrade", revision=revision)
            after = await content(app)
            assert after[0] == before[0]
            assert contents.compare(before[1], after[1]) == ()
    finally:
        await app.close()
