"""Bad names, types and ids through the tools: refused with what is wrong and what to do; nothing is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from skill_server.application.application import Application
from tests.support.project import Project, a_project
from tests.support.refusals import call, refusal
from tests.support.servers import Servers, fresh_mongodb_database, fresh_postgres_database

Place = tuple[Project, Application]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> AsyncIterator[Place]:
    """One detected project for the whole file: no test of it changes anything, and each of them checks that."""
    async with (
        fresh_postgres_database(servers.postgres_url) as postgres,
        fresh_mongodb_database(servers.mongodb_url) as mongodb,
    ):
        with pytest.MonkeyPatch.context() as patch:
            async with a_project(tmp_path_factory.mktemp("names"), postgres, mongodb, patch) as (
                project,
                app,
            ):
                await call(app, "detect_db_type")
                yield project, app


def adding(**words: Any) -> dict[str, Any]:
    """Return the change that adds a field, with other words where they are given."""
    return {"kind": "add_field", "entity": "items", "field": "condition", "type": "Text", **words}


def renaming(**words: Any) -> dict[str, Any]:
    """Return the change that renames a field, with other words where they are given."""
    return {"kind": "rename_field", "entity": "items", "field": "ItemDesc", "to": "description", **words}


FITS_NOT: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown entity": (adding(entity="itmes"), ("postgres has no entity itmes", "Write items")),
    "unknown field of a rename": (
        renaming(field="ItemDsc"),
        ("items has no field ItemDsc", "Write ItemDesc"),
    ),
    "unknown field of a drop": (
        {"kind": "drop_field", "entity": "items", "field": "Colour"},
        ("items has no field Colour", "Choose one of"),
    ),
    "field that is there": (
        adding(field="Price"),
        ("items already has a field Price", "Choose another name"),
    ),
    "rename onto a field": (renaming(to="Price"), ("already has a field Price", "Choose another name")),
    "rename onto itself": (renaming(to="ItemDesc"), ("already has a field ItemDesc",)),
    "retype of another type": (
        {
            "kind": "retype_field",
            "entity": "items",
            "field": "Price",
            "was": "Integer",
            "to": "Decimal(10, 2)",
        },
        ("is String(32), not Integer", "was='String(32)'"),
    ),
    "unknown conversion": (
        {"kind": "retype_field", "entity": "items", "field": "Quantity", "was": "Integer", "to": "Date"},
        ("no conversion from Integer to Date",),
    ),
    "never empty without a default": (adding(nullable=False), ("would have no value", "Give a default")),
    "default of another type": (adding(type="Integer", default="many"), ("is no Integer", "Write a default")),
    "drop of the key": (
        {"kind": "drop_field", "entity": "items", "field": "ItemID"},
        ("identifies the records",),
    ),
    "index on an unknown field": (
        {"kind": "add_index", "entity": "items", "name": "ix_colour", "fields": ["Colour"]},
        ("items has no field Colour",),
    ),
    "index that is there": (
        {"kind": "add_index", "entity": "items", "name": "ix_items_ItemName", "fields": ["ItemName"]},
        ("ix_items_ItemName is there already", "Choose another name"),
    ),
    "drop of an unknown index": (
        {"kind": "drop_index", "entity": "items", "name": "ix_nowhere"},
        ("items has no index ix_nowhere",),
    ),
}


@pytest.mark.parametrize("case", FITS_NOT)
async def test_a_change_that_does_not_fit_the_schema_is_refused(place: Place, case: str) -> None:
    """The databases are asked before a file is written, and the message names entity, field and database."""
    project, app = place
    change, phrases = FITS_NOT[case]
    async with refusal(project, app, "change-does-not-fit", *phrases):
        await generate(app, change)


RESERVED = ("select", "User", "order", "NULL", "window")
KEPT = ("_id", "_retired_old", "database_migration_mine")
UNQUOTABLE = ("white space", "größe", "4th", "dash-ed", "semi;colon", "-- comment")


@pytest.mark.parametrize("name", [*RESERVED, *KEPT, *UNQUOTABLE])
async def test_a_new_name_that_would_need_quotes_or_is_kept_is_refused(place: Place, name: str) -> None:
    """Reserved words and special characters work in one tool and break in the next, so none gets in."""
    project, app = place
    for change in (adding(field=name), renaming(to=name)):
        async with refusal(project, app, "name-not-allowed", "the new name", "Choose another name"):
            await generate(app, change)


IMPOSSIBLE = {
    "dollar": "$set",
    "dot": "a.b",
    "NUL": "a\0b",
    "double quote": 'a"b',
    "single quote": "a'b; DROP TABLE items",
    "backtick": "a`b",
    "newline": "a\nb",
    "empty": "",
    "only white space": "  ",
    "64 bytes": "a" * 64,
    "64 bytes in 32 characters": "ü" * 32,
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
@pytest.mark.parametrize("word", ["entity", "field", "to"])
async def test_a_name_that_neither_database_could_hold_is_refused(place: Place, case: str, word: str) -> None:
    """PostgreSQL would cut it, MongoDB would read an operator or a path: such a name reaches neither."""
    project, app = place
    async with refusal(project, app, "arguments-invalid", f"rename_field.{word}: ", "its schema"):
        await generate(app, renaming(**{word: IMPOSSIBLE[case]}))


async def test_the_longest_name_that_both_hold_is_taken(place: Place) -> None:
    """63 bytes are allowed, so the refusal of 64 is about the length and nothing else."""
    project, app = place
    made = await generate(app, adding(field="a" * 63))
    for name in (made.file, made.document):
        (project.root / name).unlink()


WRONG_ARGUMENTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown type": (adding(type="Colour"), ("type", "Colour")),
    "type with SQL": (adding(type="Text; DROP TABLE items"), ("type",)),
    "string without an end": (adding(type="String(0)"), ("type",)),
    "unknown change": ({"kind": "drop_table", "entity": "items"}, ("drop_table",)),
    "unknown argument": (adding(confirm=True), ("confirm", "not permitted")),
    "missing argument": (
        {"kind": "add_field", "entity": "items", "field": "condition"},
        ("type", "required"),
    ),
    "half a surrogate pair": (adding(field="a\ud800"), ("JSON",)),
    "text for a truth": (adding(nullable="no"), ("nullable", "boolean")),
}


@pytest.mark.parametrize("case", WRONG_ARGUMENTS)
async def test_arguments_that_make_no_change_are_refused(place: Place, case: str) -> None:
    """An argument that nobody knows is never dropped in silence: it may be what the author relied on."""
    project, app = place
    change, phrases = WRONG_ARGUMENTS[case]
    async with refusal(project, app, "arguments-invalid", *phrases):
        await generate(app, change)


CALLS: dict[str, tuple[str, dict[str, Any], str, tuple[str, ...]]] = {
    "upgrade": ("run_upgrade", {"revision": "20260101_nothing"}, "revision-unknown", ("20260101_nothing",)),
    "review": (
        "review_migration",
        {"revision": "20260101_nothing"},
        "revision-unknown",
        ("20260101_nothing",),
    ),
    "downgrade": ("run_downgrade", {"revision": "20260101_nothing"}, "nothing-applied", ("no revision",)),
    "finalize": (
        "finalize_migration",
        {"revision": "20260101_nothing"},
        "nothing-to-finalize",
        ("is not applied",),
    ),
    "path as revision": ("run_upgrade", {"revision": "../../etc/passwd"}, "arguments-invalid", ("revision",)),
    "unknown plan": ("run_upgrade", {"plan_id": "0" * 32}, "plan-unknown", ("no plan", "without plan_id")),
    "plan that is no id": ("run_upgrade", {"plan_id": "yes"}, "arguments-invalid", ("plan_id",)),
    "rehearsal of an unknown plan": (
        "rehearse_migration",
        {"plan_id": "0" * 32},
        "plan-unknown",
        ("no plan",),
    ),
    "unknown backup": (
        "restore_backup",
        {"label": "20260101T000000Z-00000000"},
        "backup-unknown",
        ("no such",),
    ),
    "path as label": ("restore_backup", {"label": "../../.."}, "arguments-invalid", ("label",)),
    "unknown entity": ("inspect_schema", {"entity": "itmes"}, "entity-unknown", ("itmes", "Write items")),
    "unknown target": ("detect_db_type", {"target": "moon"}, "unknown-target", ("'moon'", "development")),
    "URL as target": ("detect_db_type", {"target": "postgres://h/d"}, "arguments-invalid", ("target",)),
    "unknown depth": ("verify_integrity", {"depth": "deepest"}, "arguments-invalid", ("depth",)),
    "unknown operation": (
        "get_operation",
        {"operation_id": "0" * 12},
        "operation-unknown",
        ("migration_status",),
    ),
}


@pytest.mark.parametrize("case", CALLS)
async def test_an_id_that_names_nothing_is_refused(place: Place, case: str) -> None:
    """A wrong revision, plan, label, entity or target is told apart from a malformed one, and nothing runs."""
    project, app = place
    tool, given, code, phrases = CALLS[case]
    async with refusal(project, app, code, *phrases):
        await call(app, tool, **given)


async def generate(app: Application, change: dict[str, Any]) -> Any:
    """Ask for a migration with one change."""
    return await call(
        app, "generate_migration", summary="Change it", reason="It is asked for.", changes=[change]
    )
