"""References that lead nowhere are found in both databases, and other ways to refer are left in peace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId

from skill_server.verify.context import Depth
from tests.workflow.bench import Bench, of, only_problem, verified


def object_id(number: int) -> ObjectId:
    """Return the identity of an owner's document."""
    return ObjectId(f"{number:024x}")


async def test_orphans_behind_a_disabled_foreign_key_are_found(bench: Bench) -> None:
    """PostgreSQL itself goes on calling the key valid."""
    project, app, _ = bench
    await project.on_postgres("ALTER TABLE items DISABLE TRIGGER ALL")
    await project.on_postgres('UPDATE items SET "OwnerID" = 77 WHERE "ItemID" IN (3, 4)')
    await project.on_postgres("ALTER TABLE items ENABLE TRIGGER ALL")

    problem = await only_problem(app, "references", Depth.FULL)

    assert problem.startswith("postgres items.OwnerID: 2 records name a record of owners that is not there")
    assert "(3, 4)" in problem


async def test_orphans_are_found_in_mongodb_where_postgres_declares_the_reference(bench: Bench) -> None:
    """MongoDB watches over no reference, and one declaration speaks for the pair."""
    _, app, database = bench
    await database["owner"].delete_one({"OwnerID": 2})

    problem = await only_problem(app, "references", Depth.FULL)

    assert problem.startswith("mongodb items.OwnerID: 4 records name a record of owners that is not there")


async def test_parents_that_are_all_gone_leave_orphans_in_mongodb(bench: Bench) -> None:
    """An emptied collection has no field to compare with, and a dropped one is no reason to look away."""
    _, app, database = bench
    await database["owner"].delete_many({})

    problem = await only_problem(app, "references", Depth.FULL)

    assert problem.startswith("mongodb items.OwnerID: 12 records name a record of owners that is not there")

    await database["owner"].drop()
    report = await verified(app, Depth.FULL)
    assert of(report, "references").problems == (problem,)


async def test_a_collection_that_never_was_is_nobodys_parent(bench: Bench) -> None:
    """PostgreSQL may have entities of its own, whose numbers MongoDB's records hold all the same."""
    project, app, database = bench
    await project.on_postgres("CREATE TABLE boxes (id int PRIMARY KEY)")
    await project.on_postgres("INSERT INTO boxes SELECT generate_series(1, 12)")
    await project.on_postgres('ALTER TABLE items ADD FOREIGN KEY ("Quantity") REFERENCES boxes')

    references = of(await verified(app, Depth.FULL), "references")

    assert references.passed
    assert "not followed: items.Quantity in mongodb, because boxes is not there" in references.proven

    await database["crates"].insert_many([{"_id": number} for number in range(1, 13)])
    await database.create_collection("boxes", viewOn="crates", pipeline=[])
    references = of(await verified(app, Depth.FULL), "references")
    assert references.passed
    assert "not followed: items.Quantity in mongodb, because boxes has no field id there" in references.proven


@pytest.mark.parametrize("held", [str, object_id], ids=["text", "object id"])
async def test_references_by_other_values_than_the_keys_are_told_and_no_defect(
    bench: Bench, held: Callable[[int], Any]
) -> None:
    """The application may hold the `_id` of the other record, or its number as text, and finds its way."""
    _, app, database = bench
    await database.command({"collMod": "item", "validator": {}})
    for number in (1, 2, 3):
        await database["item"].update_many({"OwnerID": number}, {"$set": {"OwnerID": held(number)}})

    references = of(await verified(app, Depth.FULL), "references")

    assert references.passed
    assert "not followed: items.OwnerID in mongodb, because it holds" in references.proven
