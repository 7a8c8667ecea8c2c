"""The configuration that the gate reads is part of the plan: whoever loosens it later has another plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from skill_server import changes
from skill_server.application import approving, backing_up, detecting, generating, planning, rehearsing
from skill_server.application.applying import apply
from skill_server.errors import Conflict, Invalid
from skill_server.settings import load
from tests.support.project import a_project, content

LOOSER = {
    "no models": ('models = "app/models"', ""),
    "no code": ('code = ["app"]', ""),
    "older evidence": ("[targets.development]", "[policy]\nbackup_max_age_h = 8000\n\n[targets.development]"),
}


@pytest.mark.parametrize("loosened", LOOSER.values(), ids=LOOSER.keys())
async def test_a_gate_that_is_loosened_after_the_approval_needs_everything_anew(
    tmp_path: Path,
    postgres_database: str,
    mongo_database: str,
    monkeypatch: pytest.MonkeyPatch,
    loosened: tuple[str, str],
) -> None:
    """An assistant can edit the configuration; what a person approved was the plan with the gates of that moment."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        session = await app.session(None)
        await generating.generate(
            session,
            summary="Add condition",
            reason="It is asked for.",
            changes=[changes.build("add_field", entity="items", field="condition", type="Text")],
            not_applicable={},
            acknowledged={},
        )
        project.add_to_models("condition: Mapped[str | None] = mapped_column(Text)")
        session = await app.session(None)
        proposal = await planning.propose_upgrade(session, "head")
        await backing_up.back_up(session)
        await rehearsing.rehearse_plan(session, proposal.plan.id)
        await approving.approve_by_answer(session, proposal)
        before = await content(app)

        file = project.root / "database-migration.toml"
        file.write_text(file.read_text().replace(*loosened))
        with pytest.raises(Conflict) as stale:
            await apply(
                await app.session(None),
                await planning.propose_upgrade(await app.session(None), "head", proposal.plan.id),
            )
        assert stale.value.code == "plan-stale"
        assert await content(app) == before


@pytest.mark.parametrize("age", ["nan", "inf", "-1", "0"])
def test_an_age_that_never_ends_is_no_age(tmp_path: Path, age: str) -> None:
    """TOML can write numbers that no comparison is true of."""
    (tmp_path / "database-migration.toml").write_text(f"[policy]\nbackup_max_age_h = {age}\n")
    with pytest.raises(Invalid, match="backup_max_age_h"):
        load(tmp_path)
