"""Commands that an author wrote, run on a real server: once is once, whatever breaks."""

from __future__ import annotations

from typing import Any

import pytest

from skill_server.backends.mongo.operations import run_raw
from skill_server.errors import Failed, Invalid
from skill_server.model.action import RunRaw
from skill_server.model.hazard import Hazard
from tests.contract.mongo.test_undo import fill
from tests.contract.mongo.undo import PLAN_UP, POLICY, Place, place, steps

EVERY = {"_id": {"$exists": True}}


def raw(*up: dict[str, Any], down: tuple[dict[str, Any], ...] = ()) -> RunRaw:
    """Return a raw change of the items."""
    return RunRaw(entity="item", postgres=(), undo_postgres=(), mongodb=up, undo_mongodb=down)


def updated(change: Any, **words: Any) -> dict[str, Any]:
    """Return a command that changes every document with an n."""
    return {
        "update": "item",
        "updates": [{"q": {"n": {"$exists": True}}, "u": change, "multi": True, **words}],
    }


CHANGES = {
    "set": raw(updated({"$set": {"flag": True}}), down=(updated({"$unset": {"flag": ""}}),)),
    "increment": raw(updated({"$inc": {"n": 1}}), down=(updated({"$inc": {"n": -1}}),)),
    "pipeline": raw(
        updated([{"$set": {"n": {"$multiply": ["$n", 2]}}}]),
        down=(updated([{"$set": {"n": {"$divide": ["$n", 2]}}}]),),
    ),
    "insert": raw(
        {"insert": "item", "documents": [{"_id": "r", "ItemName": "R", "z": {"$numberLong": "5"}}]},
        down=({"delete": "item", "deletes": [{"q": {"_id": "r"}, "limit": 0}]},),
    ),
    "index": raw(
        {"createIndexes": "item", "indexes": [{"key": {"tags": 1}, "name": "raw"}]},
        down=({"dropIndexes": "item", "index": "raw"},),
    ),
    "collection": raw(
        {"create": "item_log", "capped": True, "size": 4096}, down=({"drop": "item_log"},)
    ).model_copy(update={"entities": ("item_log",)}),
    "view": raw(
        {"create": "item_view", "viewOn": "item", "pipeline": [{"$match": {"n": 1}}]},
        down=({"drop": "item_view"},),
    ).model_copy(update={"entities": ("item_view",)}),
    "validator": raw(
        {"collMod": "item", "validator": {"n": {"$not": {"$lt": -100}}}, "validationLevel": "moderate"},
        down=({"collMod": "item", "validator": {}, "validationLevel": "strict"},),
    ),
}


async def numbers(here: Place) -> dict[str, Any]:
    """Return the field n of every document."""
    return {str(found["_id"]): found.get("n") async for found in here.database["item"].find({})}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_raw_change_goes_up_and_down_as_its_author_wrote_it(mongo_database: str, name: str) -> None:
    """Both directions run in order; what is done already is not done again."""
    action = CHANGES[name]
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        await here.database["item"].update_one({"_id": 1}, {"$set": {"n": 1.0}})
        await here.database["item"].update_one({"_id": "two"}, {"$set": {"n": 2.0}})
        before = await here.content()
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        up = await here.content()
        assert up != before
        await here.backend.run(PLAN_UP, steps(action, pieces), POLICY)
        assert await here.content() == up
        await here.down(action, pieces)
        assert await here.content() == before


@pytest.mark.parametrize("name", ["set", "insert", "index", "validator", "collection", "view"])
async def test_what_may_be_repeated_is_repeated_without_harm(mongo_database: str, name: str) -> None:
    """A crash between the command and its mark runs it again."""
    action = CHANGES[name]
    async with place(mongo_database) as here:
        await fill(here, validated=False)
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        up = await here.content()
        await here.backend.journal.forget(PLAN_UP)
        await here.backend.run(PLAN_UP, steps(action, pieces), POLICY)
        assert await here.content() == up
        for plan in ("d" * 32, "e" * 32):
            await here.down(action, pieces, plan=plan)


async def test_a_crash_before_the_mark_of_the_step_does_not_count_twice(mongo_database: str) -> None:
    """The mark of a command that may not be repeated is written in its own transaction."""
    action = raw(updated({"$inc": {"n": 1}}), updated({"$inc": {"n": 10}}))
    async with place(mongo_database) as here:
        await here.database["item"].insert_many([{"_id": 1, "n": 0}, {"_id": 2}])
        (step,) = steps(action, await here.pieces(action))
        await here.backend.run(PLAN_UP, [step], POLICY)
        assert await numbers(here) == {"1": 11, "2": None}
        journal = here.database["database_migration.journal"]
        # What a crash right after the transaction of the first command leaves behind.
        await here.database["item"].update_one({"_id": 1}, {"$set": {"n": 1}})
        await journal.update_one({}, {"$set": {"state": "running", "detail": {"statement": 1}}})
        await here.backend.run(PLAN_UP, [step], POLICY)
        assert await numbers(here) == {"1": 11, "2": None}


async def test_a_failing_mark_takes_the_command_back(
    mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command and mark are one: a mark that cannot be written leaves no half-done work behind."""
    action = raw(updated({"$inc": {"n": 1}}))
    once = run_raw.run

    async def broken(operation: Any, connections: Any, mark: Any) -> None:
        async def fail(session: Any) -> None:
            await mark(session)
            raise Failed("cut", "the power went", help="Wait.")

        await once(operation, connections, fail)

    async with place(mongo_database) as here:
        await here.database["item"].insert_one({"_id": 1, "n": 0})
        (step,) = steps(action, await here.pieces(action))
        with monkeypatch.context() as patched:
            patched.setattr(run_raw, "run", broken)
            with pytest.raises(Failed, match="cut"):
                await here.backend.run(PLAN_UP, [step], POLICY)
        assert await numbers(here) == {"1": 0}
        await here.backend.run(PLAN_UP, [step], POLICY)
        assert await numbers(here) == {"1": 1}


async def test_dropping_a_collection_with_documents_fails_and_keeps_them(mongo_database: str) -> None:
    """What was written since its creation is not the author's to delete by the way."""
    action = CHANGES["collection"]
    async with place(mongo_database) as here:
        pieces = await here.pieces(action)
        await here.up(action, pieces)
        await here.database["item_log"].insert_one({"_id": 1})
        (step,) = steps(action, pieces)
        with pytest.raises(Failed) as failure:
            await here.backend.run("d" * 32, [step.reversed()], POLICY)
        assert failure.value.code == "collection-not-empty"
        assert await here.database["item_log"].count_documents({}) == 1


async def test_a_document_that_is_there_otherwise_stops_an_insert(mongo_database: str) -> None:
    """Whose document it is cannot be told, so neither is lost."""
    async with place(mongo_database) as here:
        await here.database["item"].insert_one({"_id": "r", "ItemName": "another"})
        (step,) = steps(CHANGES["insert"], await here.pieces(CHANGES["insert"]))
        with pytest.raises(Failed) as failure:
            await here.backend.run(PLAN_UP, [step], POLICY)
        assert failure.value.code == "document-exists"
        assert await here.database["item"].find_one({"_id": "r"}) == {"_id": "r", "ItemName": "another"}


async def test_a_write_that_a_validator_refuses_fails_the_step(mongo_database: str) -> None:
    """The server answers ok and lists the error inside, where a careless reader misses it."""
    async with place(mongo_database) as here:
        await fill(here, validated=True)
        before = await here.content()
        action = raw(updated({"$set": {"ItemName": 5}}))
        (step,) = steps(action, await here.pieces(action))
        with pytest.raises(Failed):
            await here.backend.run(PLAN_UP, [step], POLICY)
        assert await here.content() == before


async def test_a_direction_without_commands_says_so(mongo_database: str) -> None:
    """A migration covers both databases, also where one has nothing to do."""
    async with place(mongo_database) as here:
        (piece,) = await here.pieces(raw(updated({"$set": {"flag": 1}})))
        assert piece.down is not None
        assert (piece.down.statements, piece.down.summary[:7]) == ((), "nothing")


async def test_what_deletes_says_so_and_other_entities_are_named(mongo_database: str) -> None:
    """A person agrees to a deletion, and a check of untouched content must know what is touched."""
    async with place(mongo_database) as here:
        delete = {"delete": "item", "deletes": [{"q": EVERY, "limit": 0}]}
        (piece,) = await here.pieces(raw(delete))
        assert Hazard.DELETES_DATA in piece.up.hazards
        other = {**delete, "delete": "shelf"}
        with pytest.raises(Invalid) as refusal:
            await here.pieces(raw({"delete": "shelf", "deletes": other["deletes"]}))
        assert refusal.value.code == "raw-entity-not-named"
