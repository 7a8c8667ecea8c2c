"""Whole collections on a real server: made, renamed, hidden, brought back, with everything that hangs on them."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.errors import Failed, MigrationError, Refused
from skill_server.model.action import (
    Action,
    AddEntity,
    FieldSpec,
    PurgeEntity,
    RenameEntity,
    RetireEntity,
)
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME
from skill_server.model.logical import parse
from tests.contract.mongo.test_undo import fill
from tests.contract.mongo.undo import PLAN_UP, POLICY, Place, place, steps

ADDED = AddEntity(
    entity="shelf",
    fields=(
        FieldSpec(name="code", type=parse("String(8)")),
        FieldSpec(name="room", type=parse("Text")),
        FieldSpec(name="height", type=parse("Integer"), nullable=False, default=1),
    ),
    key=("code",),
)
RENAMED = RenameEntity(entity="item", to="product")
RETIRED = RetireEntity(entity="item")
ACTIONS: dict[str, Action] = {"add_entity": ADDED, "rename_entity": RENAMED, "retire_entity": RETIRED}


async def options_of(here: Place, name: str) -> dict[str, Any]:
    """Return the options of a collection."""
    cursor = await here.database.list_collections(filter={"name": name})
    return dict((await cursor.to_list(None))[0]["options"])


async def own(here: Place) -> list[str]:
    """Return the collections that keep something."""
    return sorted(name for name in await here.database.list_collection_names() if name.startswith(KEPT_NAME))


@pytest.mark.parametrize("validated", [False, True], ids=["open", "closed_validator"])
@pytest.mark.parametrize("name", ACTIONS)
async def test_whole_collections_go_up_and_down_without_a_trace(
    mongo_database: str, name: str, validated: bool
) -> None:
    """Documents, validator and indexes come back as they were, and a second run of each step changes nothing."""
    async with place(mongo_database) as here:
        await fill(here, validated=validated)
        before = await here.content()
        action = ACTIONS[name]
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        up = await here.content()
        assert up != before
        for step in steps(action, pieces):
            await here.backend.journal.forget(PLAN_UP)
            await here.backend.run(PLAN_UP, [step], POLICY)
        assert await here.content() == up
        await here.down(action, pieces)
        assert await here.content() == before
        assert await own(here) == []
        for step in reversed(steps(action, pieces)):
            await here.backend.run("d" * 32, [step.reversed()], POLICY)
        assert await here.content() == before
        await here.up(action, pieces, plan="c" * 32)
        assert await here.content() == up


async def test_a_new_collection_describes_its_fields_and_guards_its_key(mongo_database: str) -> None:
    """The same entity in PostgreSQL refuses both of these records."""
    async with place(mongo_database) as here:
        await here.up(ADDED, await here.pieces(ADDED))
        shelf = here.database["shelf"]
        await shelf.insert_one({"code": "A1", "height": 2})
        for refused in ({"code": "A1", "height": 3}, {"code": "B"}, {"code": "much too long", "height": 1}):
            with pytest.raises(Exception, match=r"duplicate key|failed validation"):
                await shelf.insert_one(refused)
        assert await shelf.count_documents({}) == 1


async def test_records_of_a_removed_entity_come_back_with_it(mongo_database: str) -> None:
    """A downgrade takes the collection away, and the next upgrade finds its records again."""
    async with place(mongo_database) as here:
        pieces = await here.pieces(ADDED)
        await here.up(ADDED, pieces)
        await here.database["shelf"].insert_one({"_id": 1, "code": "A1", "height": 2})
        filled = await here.content()
        await here.down(ADDED, pieces)
        assert "shelf" not in await here.database.list_collection_names()
        (kept,) = await here.backend.kept()
        assert (kept.records, kept.name.startswith(KEPT_NAME)) == (1, True)
        assert kept.size_bytes > 0
        await here.up(ADDED, pieces, plan="c" * 32)
        assert await here.content() == filled
        assert await here.backend.kept() == ()


async def test_an_entity_is_removed_as_a_change_of_its_own(mongo_database: str) -> None:
    """What comes back is the collection as it was when it went, TTL index and all."""
    action = ADDED.inverse()
    async with place(mongo_database) as here:
        await here.up(ADDED, await here.pieces(ADDED))
        shelf = here.database["shelf"]
        await shelf.insert_one({"_id": 1, "code": "A1", "height": 2})
        await shelf.create_index({"seen": 1}, name="expiry", expireAfterSeconds=60)
        before = await here.content()
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        (kept,) = await own(here)
        indexes = await (await here.database[kept].list_indexes()).to_list(None)
        assert all("expireAfterSeconds" not in index for index in indexes)
        await here.down(action, pieces)
        assert await here.content() == before


async def test_a_retired_collection_expires_no_document(mongo_database: str) -> None:
    """A TTL index on hidden records would delete what a downgrade promises to give back."""
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        await here.database["item"].create_index({"d": 1}, name="expiry", expireAfterSeconds=1)
        before = await here.content()
        pieces = await here.pieces(RETIRED)
        (piece,) = pieces
        assert piece.down is not None
        assert Hazard.DELETES_DATA in piece.down.hazards
        await here.up(RETIRED, pieces)
        (kept,) = await own(here)
        indexes = await (await here.database[kept].list_indexes()).to_list(None)
        assert len(indexes) == 4
        assert all("expireAfterSeconds" not in index for index in indexes)
        assert (await options_of(here, kept))["validator"]
        await here.down(RETIRED, pieces)
        assert await here.content() == before


async def test_documents_written_under_a_retired_name_are_listed_and_never_lost(mongo_database: str) -> None:
    """MongoDB makes a collection anew at the first write, so the name may be taken when the old one comes back."""
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        before = await here.content()
        (piece,) = await here.pieces(RETIRED)
        await here.up(RETIRED, (piece,))
        await here.database["item"].insert_one({"_id": "late"})
        assert piece.down is not None
        for probe in (piece.up.after[0], piece.down.before[0]):
            found = await here.backend.probe(probe)
            assert (found.count, found.keys) == (1, ("late",))
        (step,) = steps(RETIRED, (piece,))
        with pytest.raises(Failed) as failure:
            await here.backend.run("d" * 32, [step.reversed()], POLICY)
        assert failure.value.code == "name-taken"
        assert await here.database["item"].find_one({}) == {"_id": "late"}
        await here.database.drop_collection("item")
        await here.down(RETIRED, (piece,), plan="e" * 32)
        assert await here.content() == before


async def test_documents_written_after_a_rename_come_along_on_the_way_back(mongo_database: str) -> None:
    """New records belong to the application, whatever the collection is called."""
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        await here.database.command({"collMod": "item", "validationLevel": "moderate"})
        pieces = await here.pieces(RENAMED)
        await here.up(RENAMED, pieces)
        assert (await options_of(here, "product"))["validationLevel"] == "moderate"
        await here.database["product"].insert_one({"_id": "new", "ItemName": "n", "ItemDesc": "d"})
        await here.down(RENAMED, pieces)
        assert await here.database["item"].count_documents({"_id": "new"}) == 1
        assert (await options_of(here, "item"))["validationLevel"] == "moderate"


async def test_purging_a_retired_entity_deletes_what_was_kept(mongo_database: str) -> None:
    """Only a finalize deletes, and nothing but what the retirement kept."""
    purge = PurgeEntity(entity="item")
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        await here.database["other"].insert_one({"_id": 1})
        await here.up(RETIRED, await here.pieces(RETIRED))
        (piece,) = await here.pieces(purge)
        assert (piece.down, piece.up.hazards) == (None, (Hazard.DELETES_DATA,))
        await here.up(purge, (piece,), plan="f" * 32)
        assert await own(here) == []
        assert await here.database["other"].count_documents({}) == 1


@pytest.mark.parametrize(
    "pipeline",
    [
        [],
        [{"$lookup": {"from": "item", "localField": "a", "foreignField": "b", "as": "c"}}],
        [{"$unionWith": {"coll": "item", "pipeline": []}}],
        [{"$facet": {"a": [{"$graphLookup": {"from": "item", "as": "x"}}]}}],
    ],
    ids=["direct", "lookup", "union", "nested"],
)
@pytest.mark.parametrize("action", [RENAMED, RETIRED], ids=["rename", "retire"])
async def test_a_view_on_the_entity_is_named_and_nothing_happens(
    mongo_database: str, action: Action, pipeline: list[Any]
) -> None:
    """The view would be empty without any word."""
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        await here.database["other"].insert_one({"_id": 1})
        source = "other" if pipeline else "item"
        await here.database.command({"create": "seen", "viewOn": source, "pipeline": pipeline})
        await here.database.command({"create": "seen_again", "viewOn": "seen", "pipeline": []})
        with pytest.raises(Refused) as refusal:
            await here.pieces(action)
        assert refusal.value.code == "view-reads-entity"
        assert "seen, seen_again" in refusal.value.message


async def test_a_name_that_is_taken_is_refused(mongo_database: str) -> None:
    """Renaming onto a collection would drop it."""
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        await here.database["product"].insert_one({"_id": 1})
        for action in (RENAMED, ADDED.model_copy(update={"entity": "product"})):
            with pytest.raises(MigrationError) as refusal:
                await here.pieces(action)
            assert refusal.value.code == "entity-exists"


async def test_a_server_that_loses_options_by_a_rename_is_found_out_before(mongo_database: str) -> None:
    """A collation cannot be given back afterwards; MongoDB keeps it, and not every server that speaks its protocol."""
    async with place(mongo_database) as here:
        await here.database.create_collection("item", collation={"locale": "en", "strength": 2})
        await here.database["item"].insert_one({"_id": 1})
        before = await here.content()
        pieces = await here.pieces(RENAMED)
        (step,) = steps(RENAMED, pieces)
        refused: list[str] = []
        try:
            await here.backend.run(PLAN_UP, [step], POLICY)
        except Refused as refusal:
            refused.append(refusal.code)
        if refused:
            assert refused == ["options-not-kept"]
            assert await here.content() == before
        else:
            assert (await options_of(here, "product"))["collation"]["strength"] == 2
        assert not [name for name in await here.database.list_collection_names() if "tried" in name]
