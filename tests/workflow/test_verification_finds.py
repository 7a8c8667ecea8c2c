"""What verify_integrity finds of what people do to a pair behind the server's back, on real servers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from skill_server import changes
from skill_server.application import backing_up, baselining, generating, restoring
from skill_server.application.application import Application
from skill_server.verify.context import Depth
from tests.support.project import VALIDATOR
from tests.workflow.bench import Bench, of, only_problem, upgraded, verified
from tests.workflow.test_restore import approved_restore


async def test_a_healthy_pair_passes_every_check_at_full_depth(bench: Bench) -> None:
    """Every check that knows something speaks, and none finds fault."""
    project, app, _ = bench
    await upgraded(project, app)
    await backing_up.back_up(await app.session(None))

    report = await verified(app, Depth.FULL)

    assert [result.problems for result in report.checks if not result.passed] == []
    assert {result.check for result in report.checks} == {
        "closing_probes",
        "index_validity",
        "ledger_and_files",
        "models_and_schemas",
        "newest_backup",
        "paired_entities",
        "record_counts",
        "references",
        "rule_violations",
        "schema_fingerprint",
        "schema_parts",
        "sequence_values",
        "untouched_content",
    }
    assert "while no other client was connected" in of(report, "untouched_content").proven
    assert "not followed" not in of(report, "references").proven


async def test_a_sequence_that_a_load_left_behind_is_found_at_quick_depth(bench: Bench) -> None:
    """The next insert of the application would fail."""
    project, app, _ = bench
    await project.on_postgres("""SELECT setval('"owners_OwnerID_seq"', 1)""")

    problem = await only_problem(app, "sequence_values", Depth.QUICK)

    assert problem.startswith("postgres owners.OwnerID: the sequence owners_OwnerID_seq stands at 1")
    assert "Run SELECT setval" in problem


async def test_an_index_dropped_by_hand_is_named_on_both_databases(bench: Bench) -> None:
    """A fingerprint alone would say that something differs."""
    project, app, database = bench
    await upgraded(project, app)
    await project.on_postgres('DROP INDEX "ix_items_ItemName"')
    await database["item"].drop_index("ItemName_1")
    await database.command({"collMod": "item", "validator": {}})

    report = await verified(app, Depth.QUICK)

    assert not of(report, "schema_fingerprint").passed
    assert set(of(report, "schema_parts").problems) == {
        "postgres: the index ix_items_ItemName of items is missing",
        "mongodb: the index ItemName_1 of items is missing",
        "mongodb: the validator of items is missing",
    }


async def baselined(app: Application) -> None:
    """Record the schemas as they are."""
    await baselining.baseline(await app.session(None, inspected=False), "head")


async def restored(app: Application) -> None:
    """Put a backup back."""
    proposal = await approved_restore(app)
    await restoring.restore(await app.session(None), proposal)


@pytest.mark.parametrize("since", [baselined, restored])
async def test_a_part_that_went_since_a_restore_or_a_baseline_is_named_by_the_first_verification(
    bench: Bench, since: Callable[[Application], Awaitable[None]]
) -> None:
    """Nobody verified in between, so only what was recorded with the restore or baseline can tell."""
    project, app, database = bench
    await since(app)
    await project.on_postgres('DROP INDEX "ix_items_ItemName"')
    await database["item"].drop_index("ItemName_1")

    report = await verified(app, Depth.QUICK)

    assert set(of(report, "schema_parts").problems) == {
        "postgres: the index ix_items_ItemName of items is missing",
        "mongodb: the index ItemName_1 of items is missing",
    }


async def test_an_edited_or_deleted_migration_file_is_named(bench: Bench) -> None:
    """An applied file is part of the history, and the next server would read another one."""
    project, app, _ = bench
    revision = await upgraded(project, app)
    file = project.migrations / f"{revision}.py"
    applied = file.read_text()
    file.write_text(applied.replace("String(40)", "String(41)"))
    assert "is not the one that was applied" in await only_problem(app, "ledger_and_files", Depth.QUICK)

    file.unlink()
    problem = await only_problem(app, "ledger_and_files", Depth.QUICK)
    assert problem == f"the file of the applied revision {revision} is gone"

    file.write_text(applied)
    assert (await verified(app, Depth.QUICK)).passed


async def test_documents_that_came_past_the_validator_are_found(bench: Bench) -> None:
    """Switched off for a load and on again, a validator looks as if it had been there all the time."""
    _, app, database = bench
    await database.command({"collMod": "item", "validationLevel": "off"})
    await database["item"].update_one({"ItemID": 5}, {"$set": {"Quantity": "many"}})
    await database.command({"collMod": "item", "validator": VALIDATOR, "validationLevel": "strict"})

    report = await verified(app, Depth.FULL)

    (problem,) = of(report, "rule_violations").problems
    assert problem.startswith("mongodb items: 1 records break the validator")


async def test_models_that_differ_from_the_schema_are_named_unless_a_revision_waits(bench: Bench) -> None:
    """Between writing a migration and applying it the models are rightly ahead."""
    project, app, _ = bench
    project.add_to_models("condition: Mapped[str | None] = mapped_column(String(40))")
    problem = await only_problem(app, "models_and_schemas", Depth.FULL)
    assert "items will have no field condition" in problem

    await generating.generate(
        await app.session(None),
        summary="Add condition",
        reason="The shop floor asks for it.",
        changes=[changes.build("add_field", entity="items", field="condition", type="String(40)")],
        not_applicable={},
        acknowledged={},
    )
    report = await verified(app, Depth.FULL)
    assert report.passed
    assert "1 revisions wait to be applied" in of(report, "models_and_schemas").proven


async def test_a_required_field_that_no_document_has_is_named(bench: Bench) -> None:
    """The application on MongoDB would find nothing where its model promises a value."""
    _, app, database = bench
    await database.command({"collMod": "item", "validator": {}})
    await database["item"].update_many({}, {"$unset": {"Quantity": 1}, "$set": {"ItemName": 7}})

    report = await verified(app, Depth.FULL)

    required, other = of(report, "models_and_schemas").problems
    assert "no record of items has the field Quantity, which the model requires" in required + other
    assert "items.ItemName is String(200) in the model and Integer in the records" in required + other


async def test_an_entity_that_is_missing_in_one_database_is_named(bench: Bench) -> None:
    """The name map says that both have owners; of what it does not speak one may have more."""
    _, app, database = bench
    await database["owner"].drop()
    await database["extra"].insert_one({})

    report = await verified(app, Depth.FULL)

    assert of(report, "paired_entities").problems == ("owners is in postgres and missing in mongodb",)
    assert "in one database only: extra (mongodb)" in of(report, "paired_entities").proven


async def test_what_was_unfinished_before_a_migration_does_not_spoil_it(bench: Bench) -> None:
    """The migration did not do it, and a run that needs attention would frighten people for nothing."""
    project, app, _ = bench
    await project.on_postgres('ALTER TABLE items ADD CONSTRAINT old CHECK ("Quantity" < 5) NOT VALID')

    await upgraded(project, app)

    problem = "postgres: constraint old of items was never validated"
    found: list[dict[str, Any]] = (await app.session(None)).events[-2].body["checks"]["checks"]
    told = next(result["proven"] for result in found if result["check"] == "index_validity")
    assert problem in told
    report = await verified(app, Depth.FULL)
    assert of(report, "index_validity").problems == (problem,)
    assert "postgres items.Quantity: 8 records break the rule old" in of(report, "rule_violations").proven
