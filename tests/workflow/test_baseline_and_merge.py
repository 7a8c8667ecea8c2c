"""A ledger may begin in the middle, and migrations written side by side become one line: both by a person's command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from skill_server.application import planning
from skill_server.application.application import Application
from skill_server.application.baselining import baseline
from skill_server.application.merging import merge_heads
from skill_server.errors import Invalid, MigrationError, Refused
from skill_server.model.receipt import EventKind
from tests.support.command_line import command
from tests.support.project import VALIDATOR, Project, a_project
from tests.support.refusals import call

Place = tuple[Project, Application]
FIELD = {"kind": "add_field", "entity": "items", "field": "rank", "type": "Integer"}
INDEX = {"kind": "add_index", "entity": "items", "name": "ix_price", "fields": ["Price"]}


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A project that was detected and has no migration yet."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as found:
        await call(found[1], "detect_db_type")
        yield found


async def generated(app: Application, summary: str, *changes: dict[str, Any]) -> str:
    """Write a migration and return its revision."""
    made = await call(app, "generate_migration", summary=summary, reason="Asked for.", changes=list(changes))
    return made.revision


async def rank_by_hand(project: Project) -> None:
    """Add the field to both databases as a colleague with a terminal does."""
    await project.on_postgres("ALTER TABLE items ADD COLUMN rank integer")
    rules = VALIDATOR["$jsonSchema"]
    properties = {**rules["properties"], "rank": {"bsonType": ["int", "null"]}}
    validator = {"$jsonSchema": {**rules, "properties": properties}}
    database = project.on_mongodb()
    await database.command({"collMod": "item", "validator": validator})
    await database.client.close()


def follow_none(project: Project, revision: str, follows: str) -> None:
    """Let a migration begin a branch of its own, as one that was written on another branch of the project does."""
    file = project.migrations / f"{revision}.py"
    file.write_text(file.read_text("utf-8").replace(f'down_revision = "{follows}"', "down_revision = None"))


async def test_a_baseline_counts_what_is_there_as_applied_and_offers_no_way_back(place: Place) -> None:
    """The first migrations of an older project were run by hand; running them again would fail or do harm."""
    project, app = place
    first = await generated(app, "Add rank", FIELD)
    second = await generated(app, "Index price", INDEX)
    await rank_by_hand(project)

    assert await baseline(await app.session(None, inspected=False), first) == (first,)

    status = await call(app, "migration_status")
    assert [entry["revision"] for entry in status.applied] == [first]
    assert status.pending == [second]
    for tool in ("run_downgrade", "finalize_migration"):
        with pytest.raises(Refused) as caught:
            await call(app, tool, revision=first)
        assert caught.value.code == "applied-before-the-ledger"
    assert (await call(app, "run_upgrade", revision=second)).state == "shown"


async def test_a_baseline_that_does_not_fit_the_schemas_is_refused(place: Place) -> None:
    """A revision that counts as applied and is not would never be applied."""
    _, app = place
    first = await generated(app, "Add rank", FIELD)

    with pytest.raises(Refused) as caught:
        await baseline(await app.session(None, inspected=False), "head")

    assert caught.value.code == "baseline-does-not-fit"
    assert first in caught.value.message
    events = await (await app.target(None)).ledger.events()
    assert EventKind.BASELINED not in {event.kind for event in events}


async def test_a_baseline_without_migrations_records_the_schemas(place: Place) -> None:
    """From then on a change by other means is noticed before the first migration meets it."""
    _, app = place

    assert await baseline(await app.session(None, inspected=False), "head") == ()

    event = (await (await app.target(None)).ledger.events())[-1]
    session = await app.session(None)
    assert event.kind is EventKind.BASELINED
    assert event.body["after"] == {kind: shot.fingerprint for kind, shot in session.snapshots.items()}


async def test_heads_are_refused_with_the_command_that_merges_them(place: Place) -> None:
    """Two branches of a project come together, and the order of their migrations is open."""
    project, app = place
    first = await generated(app, "Add rank", FIELD)
    second = await generated(app, "Index price", INDEX)
    follow_none(project, second, first)

    with pytest.raises(Invalid) as caught:
        await call(app, "migration_status")
    assert caught.value.code == "several-heads"
    assert "database-migration merge" in caught.value.help
    stays, moves = sorted((first, second))
    (moved,) = merge_heads(await app.session(None, inspected=False))

    assert (moved.revision, moved.follows) == (moves, stays)
    assert (await call(app, "migration_status")).pending == [stays, moves]
    assert merge_heads(await app.session(None, inspected=False)) == ()


async def test_a_revision_that_is_put_before_an_applied_one_is_refused(place: Place) -> None:
    """Its changes would meet another schema than the one that it was written for."""
    project, app = place
    first = await generated(app, "Add rank", FIELD)
    await rank_by_hand(project)
    await baseline(await app.session(None, inspected=False), first)
    second = await generated(app, "Index price", INDEX)
    follow_none(project, second, first)
    assert await refused_upgrade(app) == "several-heads"
    file = project.migrations / f"{first}.py"
    file.write_text(file.read_text("utf-8").replace("down_revision = None", f'down_revision = "{second}"'))

    assert await refused_upgrade(app) == "file-changed-after-apply"


async def test_an_applied_revision_whose_file_is_gone_or_edited_stops_everything(place: Place) -> None:
    """The file says how the schema came to be; without it nobody knows what comes next."""
    project, app = place
    first = await generated(app, "Add rank", FIELD)
    await rank_by_hand(project)
    await baseline(await app.session(None, inspected=False), first)
    file = project.migrations / f"{first}.py"
    text = file.read_text("utf-8")

    file.write_text(text.replace("Integer", "BigInteger"))
    assert await refused_upgrade(app) == "file-changed-after-apply"
    file.unlink()
    assert await refused_upgrade(app) == "file-changed-after-apply"
    file.write_text(text)
    assert await refused_upgrade(app) == "already-applied"


async def refused_upgrade(app: Application) -> str:
    """Return the code with which an upgrade is refused."""
    with pytest.raises(MigrationError) as caught:
        await planning.propose_upgrade(await app.session(None), "head")
    return caught.value.code


async def test_a_baseline_asks_a_person_and_merge_says_what_it_moved(place: Place) -> None:
    """Both commands are for people: one gives a word that nobody else can, the other edits a file."""
    project, app = place
    first = await generated(app, "Add rank", FIELD)
    second = await generated(app, "Index price", INDEX)
    follow_none(project, second, first)
    events = await (await app.target(None)).ledger.events()
    stays, moves = sorted((first, second))

    merged = await command(project.root, "merge")
    refused = await command(project.root, "baseline", answers="n\n")

    assert (merged.status, f"{moves} follows {stays} now (migrations/{moves}.py)" in merged.out) == (0, True)
    assert "next: database-migration review-migration" in merged.out
    assert (refused.status, "Do you, a person" in refused.told) == (1, True)
    assert await (await app.target(None)).ledger.events() == events
    ended = await command(project.root, "baseline", "--json")
    assert (ended.status, ended.json["code"]) == (1, "baseline-does-not-fit")
