"""What a person reads of a result, and the exit status that a script goes by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skill_server.application.application import Application
from skill_server.backends.base import Progress
from skill_server.cli import running, showing

STEP = {
    "id": "postgres-01",
    "phase": "expand",
    "summary": "rename the field",
    "hazards": ["breaks_old_code"],
    "statements": [{"text": "ALTER TABLE items", "lock": "ACCESS EXCLUSIVE"}, {"text": "SELECT 1"}],
}
SHORT = {"name": "items", "native_name": "item", "fields": ["ItemID", "ItemDesc"]}
FULL = {
    "name": "items",
    "records_estimate": 7,
    "fields": [{"name": "ItemDesc", "type": "Text"}],
    "indexes": [{"name": "by_price"}],
    "constraints": [],
    "dependents": [],
}


def test_a_plan_is_shown_with_its_statements_and_locks(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever is about to approve a plan reads what it runs, not only that there is one."""
    showing.result({"summary": "Nothing was changed.", "plan": {"steps": [STEP], "steps_omitted": 2}})

    told = capsys.readouterr().out
    assert "postgres-01 (expand): rename the field [breaks_old_code]" in told
    assert "ALTER TABLE items  -- ACCESS EXCLUSIVE" in told
    assert "SELECT 1\n" in told
    assert "and 2 more steps" in told


def test_the_entities_of_each_database_are_shown_with_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    """`inspect-schema` is asked for the exact names, so these are what it has to print."""
    showing.result({"entities": {"postgres": [SHORT], "mongodb": [FULL]}})

    told = capsys.readouterr().out
    assert "items | item | ItemID, ItemDesc" in told
    assert "mongodb: items, about 7 records" in told
    assert "ItemDesc | Text" in told
    assert "by_price" in told


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (False, running.REFUSED)])
@pytest.mark.parametrize("as_json", [True, False])
def test_what_did_not_pass_stops_a_script(ok: bool, status: int, as_json: bool, tmp_path: Path) -> None:
    """`verify-integrity && deploy` must not deploy after a verification that found something."""

    async def work(_app: Application, _report: Progress) -> dict[str, Any]:
        return {"ok": ok, "summary": "1 of 3 checks failed."}

    with pytest.raises(SystemExit) as ended:
        running.run(tmp_path, work, as_json=as_json)
    assert ended.value.code == status
