"""The sample application's pair at full depth: nothing is wrong with it, and no check says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from skill_server.application import backing_up, detecting, verifying
from skill_server.application.application import Application
from skill_server.verify.context import Depth
from tests.integration.test_server_sample_application import seeded_sample


async def test_the_seeded_pair_passes_every_check_at_full_depth(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A false alarm on a healthy pair would teach people to look away."""
    project = await seeded_sample(tmp_path, postgres_database, mongo_database, monkeypatch)
    app = Application(project)
    try:
        await detecting.detect_databases(app, None)
        await backing_up.back_up(await app.session(None))
        report = await verifying.verify_target(await app.session(None), Depth.FULL)
    finally:
        await app.close()

    assert [(result.check, result.problems) for result in report.checks if not result.passed] == []
    told = {result.check: result.proven for result in report.checks}
    assert "not followed" not in told["references"]
    assert told["models_and_schemas"].startswith("5 models equal the schema of postgres")
    assert told["paired_entities"] == "5 entities are in both databases"
    assert "equal to those of the newest backup" in told["untouched_content"]
