"""What verify_integrity takes from the newest backup: its content, as long as it is the proven one, and its schemas."""

from __future__ import annotations

import json
from pathlib import Path

from skill_server.application import backing_up, known, listing
from skill_server.application.application import Application
from skill_server.model.ids import BackendKind
from skill_server.verify.context import Depth
from tests.support.project import Project
from tests.workflow.bench import Bench, of, only_problem, upgraded, verified


async def taken(app: Application) -> str:
    """Back both databases up and return the label."""
    return (await backing_up.back_up(await app.session(None))).manifest.label


def manifest(project: Project, label: str) -> Path:
    """Return the file that says what is in a backup."""
    return project.root / ".database-migration" / "backups" / label / "manifest.json"


async def test_a_manifest_that_was_edited_to_fit_is_believed_by_nobody(bench: Bench) -> None:
    """Only the ledger knows which manifest was proven, so what the file says of itself counts for nothing."""
    project, app, _ = bench
    label = await taken(app)
    await project.on_postgres("""UPDATE items SET "ItemName" = 'tampered' WHERE "ItemID" = 3""")
    file = manifest(project, label)
    words = json.loads(file.read_text())
    now = await (await app.session(None)).pair.checksums()
    words["dumps"]["postgres"]["checksums"] = now[BackendKind.POSTGRES].model_dump(mode="json")
    file.write_text(json.dumps(words))

    problem = await only_problem(app, "newest_backup", Depth.FULL)

    assert problem.startswith(f"backup {label}: the manifest is not the one that was proven")
    checks = {result.check for result in (await verified(app, Depth.FULL)).checks}
    assert not checks & {"untouched_content", "record_counts"}
    (line,) = await listing.folders(await app.session(None))
    assert (line.label, line.state) == (label, "damaged")


async def test_a_manifest_that_is_gone_is_named_until_there_is_another_backup(bench: Bench) -> None:
    """A comparison that is left out in silence looks like one that found nothing."""
    project, app, _ = bench
    label = await taken(app)
    manifest(project, label).unlink()

    problem = await only_problem(app, "newest_backup", Depth.COUNTS)
    assert problem.startswith(f"backup {label}: ")

    await taken(app)
    report = await verified(app, Depth.COUNTS)
    assert report.passed
    assert of(report, "newest_backup").proven.startswith("backup ")


async def test_what_goes_by_hand_after_the_first_backup_is_named(bench: Bench) -> None:
    """Long before the first migration, the proven backup says what there was."""
    project, app, database = bench
    await taken(app)
    await project.on_postgres('DROP INDEX "ix_items_ItemName"')
    await project.on_postgres('ALTER TABLE items DROP CONSTRAINT "items_Quantity_check"')
    await database["item"].drop_index("ItemName_1")
    await database.command({"collMod": "item", "validator": {}})

    report = await verified(app, Depth.QUICK)

    assert set(of(report, "schema_parts").problems) == {
        "postgres: the constraint items_Quantity_check of items is missing",
        "postgres: the index ix_items_ItemName of items is missing",
        "mongodb: the index ItemName_1 of items is missing",
        "mongodb: the validator of items is missing",
    }
    first, second = of(report, "schema_fingerprint").problems
    assert first.startswith("the schema of postgres is not the one of the newest backup. Undo")
    assert second.startswith("the schema of mongodb is not the one of the newest backup. Undo")


async def test_the_newer_of_change_and_backup_says_what_the_schemas_should_be(bench: Bench) -> None:
    """A backup that was taken of a schema changed by hand is the way to say that it was meant."""
    project, app, _ = bench
    await taken(app)
    await upgraded(project, app)
    report = await verified(app, Depth.QUICK)
    assert report.passed
    assert "the newest change left" in of(report, "schema_fingerprint").proven

    await project.on_postgres('DROP INDEX "ix_items_ItemName"')
    assert not (await verified(app, Depth.QUICK)).passed

    await taken(app)
    report = await verified(app, Depth.QUICK)
    assert report.passed
    assert "of the newest backup" in of(report, "schema_fingerprint").proven

    await project.on_postgres('CREATE INDEX "ix_items_ItemName" ON items ("ItemName")')
    report = await verified(app, Depth.QUICK)
    assert of(report, "schema_parts").problems == (
        "postgres: the index ix_items_ItemName of items was added",
    )


async def test_a_backup_records_no_parts_that_the_ledger_holds(bench: Bench) -> None:
    """The ledger is read whole by every call, so it must not grow by what it knows."""
    _, app, _ = bench
    await taken(app)
    await taken(app)

    session = await app.session(None)

    assert [bool(event.body.get("parts")) for event in session.events if event.kind == "backup"] == [
        True,
        False,
    ]
    schemas = known.schemas(session)
    assert schemas is not None
    assert known.recorded_parts(session, schemas.fingerprints).keys() == set(BackendKind)
