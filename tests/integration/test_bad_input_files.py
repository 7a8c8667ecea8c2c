"""Bad migration files through the tools: refused by file and line, and an edited file never runs on old evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skill_server.application import approving, planning
from skill_server.application.application import Application
from tests.support.project import Project, a_project, content
from tests.support.refusals import call, refusal

Place = tuple[Project, Application]
ADDED = '    condition: Mapped[str | None] = mapped_column(Text, server_default="unknown")'


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A detected project with one written migration, which adds a field."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await call(app, "detect_db_type")
        await generated(app, "condition")
        yield project, app


async def generated(app: Application, field: str) -> Any:
    """Write a migration that adds a field."""
    change = {"kind": "add_field", "entity": "items", "field": field, "type": "Text", "default": "unknown"}
    return await call(
        app, "generate_migration", summary=f"Add {field}", reason="It is asked for.", changes=[change]
    )


async def made_ready(app: Application) -> str:
    """Back up, rehearse and approve the next plan, and return its id."""
    reviewed = await call(app, "review_migration")
    await call(app, "backup")
    assert (await call(app, "rehearse_migration", plan_id=reviewed.plan_id)).ok
    session = await app.session(None)
    await approving.approve_by_answer(session, planning.recall(session, reviewed.plan_id))
    plan_id: str = reviewed.plan_id
    return plan_id


def the_file(project: Project) -> Path:
    """Return the only migration file."""
    (found,) = project.migrations.glob("*.py")
    return found


EDITS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "syntax error": ("def upgrade(op):", "def upgrade(op:", "migration-not-readable", ("no Python", "Mend the syntax")),
    "no downgrade": ("def downgrade(op):", "def way_back(op):", "migration-not-readable", ("downgrade(op) is",)),
    "empty downgrade": ("    op.remove_field", "    # op.remove_field", "migration-not-readable", ("no Python",)),
    "downgrade of another field": ('remove_field("items", "condition"', 'remove_field("items", "Price"',
        "downgrade-does-not-undo", ("exact inverse", "def downgrade(op):")),
    "code that would run": ('revision = "', 'import os\nrevision = "', "migration-not-readable", ("never executed",)),
    "call that is computed": ('"condition", type', '"cond" + "ition", type', "migration-not-readable",
        ("a computation is not a literal value",)),
    "no reason": ("Reason:", "Because:", "migration-not-readable", ("what changes and why",)),
    "revision of another file": ('revision = "20', 'revision = "19', "revision-is-not-file-name", ("Rename the file",)),
    "reserved word": ('"condition"', '"select"', "name-not-allowed", ("reserved word",)),
    "unknown change": ("op.add_field", "op.drop_database", "change-unknown", ("no change called",)),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS)
async def test_a_file_that_is_no_migration_is_refused_by_its_line(place: Place, case: str) -> None:
    """An assistant edits files, so each tool that reads them says where the file is wrong and how to mend it."""
    project, app = place
    old, new, code, phrases = EDITS[case]
    file = the_file(project)
    text = file.read_text()
    assert old in text, text
    file.write_text(text.replace(old, new))
    for tool in ("review_migration", "run_upgrade"):
        async with refusal(project, app, code, file.name, *phrases):
            await call(app, tool)


async def test_a_file_without_a_downgrade_names_what_is_missing(place: Place) -> None:
    """No migration runs that cannot be taken back."""
    project, app = place
    file = the_file(project)
    text = file.read_text()
    begin, end = text.index("def downgrade"), text.index("if __name__")
    file.write_text(text[:begin] + text[end:])
    async with refusal(
        project, app, "migration-not-readable", "downgrade(op) is missing", "Add def downgrade(op)"
    ):
        await call(app, "run_upgrade")


async def test_two_heads_are_refused_until_an_order_is_chosen(place: Place) -> None:
    """Two branches of the code each added a migration; which runs first is a person's decision."""
    project, app = place
    first = the_file(project)
    second = first.with_name("20260102_add_colour.py")
    text = first.read_text().replace(first.stem, second.stem).replace('"condition"', '"colour"')
    second.write_text(text)
    for tool in ("run_upgrade", "review_migration", "migration_status"):
        async with refusal(
            project, app, "several-heads", first.stem, second.stem, "database-migration merge"
        ):
            await call(app, tool)
    async with refusal(project, app, "several-heads", first.stem):
        await generated(app, "height")

    second.write_text(text.replace("down_revision = None", f'down_revision = "{first.stem}"'))
    assert (await call(app, "migration_status")).pending == [first.stem, second.stem]


async def test_a_file_edited_after_its_rehearsal_makes_the_plan_stale(place: Place) -> None:
    """What was rehearsed and approved is what runs: after an edit the old plan is refused and the new one unproven."""
    project, app = place
    project.models.write_text(f"{project.models.read_text()}{ADDED}\n")
    plan_id = await made_ready(app)
    file = the_file(project)
    whole = file.read_text()
    file.write_text(whole.replace('"unknown"', '"new"'))
    async with refusal(project, app, "plan-stale", "no longer fits", "without plan_id"):
        await call(app, "run_upgrade", plan_id=plan_id)

    shown = await call(app, "run_upgrade")
    assert shown.plan_id != plan_id
    assert {"rehearsal_passed", "rollback_is_rehearsed", "person_approved"} <= set(shown.missing)
    async with refusal(project, app, "document-missing", "another version of it", "review_migration"):
        await call(app, "run_upgrade", plan_id=shown.plan_id)

    file.write_text(whole)
    assert (await call(app, "run_upgrade", plan_id=plan_id)).state == "applied"


async def test_a_file_edited_or_deleted_after_it_was_applied_blocks_every_plan(place: Place) -> None:
    """The files say what the databases are made of, so an applied one is frozen."""
    project, app = place
    project.models.write_text(f"{project.models.read_text()}{ADDED}\n")
    assert (await call(app, "run_upgrade", plan_id=await made_ready(app))).state == "applied"
    file = the_file(project)
    whole = file.read_text()
    file.write_text(whole.replace('"unknown"', '"new"'))
    help_ = ("Put the applied file back", file.stem)
    async with refusal(project, app, "file-changed-after-apply", "not the one that was applied", *help_):
        await call(app, "run_upgrade")
    async with refusal(project, app, "file-changed-after-apply", *help_):
        await generated(app, "height")
    file.unlink()
    async with refusal(project, app, "file-changed-after-apply", "is gone", *help_):
        await call(app, "run_upgrade")

    file.write_text(whole + "\n\n# Another layout is not another migration.\n")
    before = await content(app)
    assert (await call(app, "run_upgrade")).state == "nothing_to_do"
    assert await content(app) == before
