"""Running steps under faults: passing ones are survived, others are named, and the journal tells the truth."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from skill_server.backends.mongo import MongoBackend
from skill_server.errors import Failed, InDoubt, Invalid, Refused
from skill_server.model.action import BuildIndex, RenameField
from skill_server.model.names import NameMap
from skill_server.model.snapshot import IndexKey
from tests.contract.mongo.undo import PLAN_UP, POLICY, Place, place, steps

RENAME = RenameField(entity="item", field="old", to="new")


@asynccontextmanager
async def failing(here: Place, data: dict[str, Any], *, mode: Any) -> AsyncGenerator[None]:
    """Let commands fail; skip where the server has no test commands."""
    admin = here.database.client.admin
    try:
        await admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
    except OperationFailure:
        pytest.skip("the server has no test commands")
    try:
        yield
    finally:
        await admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def rename(here: Place, count: int = 10) -> None:
    """Rename a field of some documents."""
    await here.database["item"].insert_many([{"_id": i, "old": i, "z": 0} for i in range(count)])
    ordered = steps(RENAME, await here.pieces(RENAME))
    await here.backend.run(PLAN_UP, ordered, POLICY)


@pytest.mark.parametrize(
    "data",
    [
        {"failCommands": ["update"], "errorCode": 91},
        {"failCommands": ["update"], "closeConnection": True},
        {"failCommands": ["getMore"], "errorCode": 10107},
    ],
)
async def test_a_passing_fault_is_survived(mongo_database: str, data: dict[str, Any]) -> None:
    """A change of primary must not end a long backfill."""
    async with place(mongo_database) as here:
        async with failing(here, data, mode={"times": 3}):
            await rename(here)

        documents = [document async for document in here.database["item"].find({})]
        assert [list(document) for document in documents] == [["_id", "new", "z"]] * 10
        marks = await here.backend.journal.marks(PLAN_UP)
        assert {mark.state for mark in marks.values()} == {"done"}


async def test_a_lost_acknowledgement_is_never_called_done(mongo_database: str) -> None:
    """The write may or may not have reached a majority, and only asking again can tell."""
    fault = {"failCommands": ["update"], "writeConcernError": {"code": 64, "errmsg": "waiting timed out"}}
    async with place(mongo_database) as here:
        async with failing(here, fault, mode="alwaysOn"):
            with pytest.raises(InDoubt) as doubt:
                await rename(here)
        assert doubt.value.code == "write-outcome-unknown"
        marks = await here.backend.journal.marks(PLAN_UP)
        assert all(mark.state != "done" for mark in marks.values())

        ordered = steps(RENAME, await _again(here))
        await here.backend.run(PLAN_UP, ordered, POLICY)
        assert await here.database["item"].count_documents({"new": {"$exists": True}}) == 10


async def _again(here: Place) -> Any:
    """Render on a schema in which nothing is renamed yet, as the stored plan was."""
    snapshot = await here.backend.inspect()
    entities = tuple(
        entity.model_copy(update={"fields": tuple(field for field in entity.fields if field.name != "new")})
        for entity in snapshot.entities
    )
    unchanged = snapshot.model_copy(update={"entities": entities})
    return here.backend.render(RENAME, unchanged, migration="20260101_change")


async def test_what_the_server_refuses_is_told_with_its_reason(mongo_database: str) -> None:
    """The reason is the only way to mend it, but neither URL nor password may come with it."""
    action = BuildIndex(entity="item", name="once", keys=(IndexKey(field="a"),), unique=True)
    async with place(mongo_database) as here:
        await here.database["item"].insert_many([{"a": 1, "_id": "x"}, {"a": 1, "_id": "y"}, {"a": 2}])
        pieces = await here.pieces(action)

        found = await here.backend.probe(pieces[0].up.before[0])
        with pytest.raises(Failed, match="E11000") as failure:
            await here.backend.run(PLAN_UP, steps(action, pieces), POLICY)

    assert (found.count, set(found.keys)) == (2, {"x", "y"})
    assert failure.value.code == "statement-failed"
    assert "mongodb://" not in str(failure.value)


async def test_a_step_that_is_done_is_not_run_again(mongo_database: str) -> None:
    """Resuming continues after the last mark, and a forgotten plan leaves no marks."""
    async with place(mongo_database) as here:
        await rename(here)
        await here.database["item"].insert_one({"_id": "later", "old": 1})
        ordered = steps(RENAME, await _again(here))

        await here.backend.run(PLAN_UP, ordered, POLICY)
        assert await here.database["item"].count_documents({"old": {"$exists": True}}) == 1

        await here.backend.journal.forget(PLAN_UP)
        assert await here.backend.journal.marks(PLAN_UP) == {}


async def test_a_server_that_is_not_there_is_a_refusal_without_the_url() -> None:
    """A password in the URL must not reach the model through an error."""
    backend = MongoBackend("mongodb://user:hidden@127.0.0.1:1/shop?serverSelectionTimeoutMS=1", NameMap())
    with pytest.raises(Refused) as refusal:
        await backend.identity()
    await backend.close()
    assert refusal.value.code == "server-unreachable"
    assert "hidden" not in str(refusal.value) + repr(backend)


async def test_a_wrong_password_is_a_refusal(mongo_database: str) -> None:
    """The person must learn that it is the login, not the server."""
    if "@" not in mongo_database:
        pytest.skip("this server asks nobody for a password")
    login, place_ = mongo_database.removeprefix("mongodb://").split("@", 1)
    backend = MongoBackend(f"mongodb://{login.partition(':')[0]}:wrong@{place_}", NameMap())
    with pytest.raises(Refused) as refusal:
        await backend.identity()
    await backend.close()
    assert refusal.value.code == "login-refused"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mongodb://host:27017", "database-missing"),
        ("mongodb://host:27017/admin", "database-missing"),
        ("postgresql://host/db", "url-not-valid"),
        ("nonsense", "url-not-valid"),
    ],
)
def test_a_url_that_names_no_database_of_an_application_is_refused(url: str, code: str) -> None:
    """Guessing a database would change the wrong one."""
    with pytest.raises((Refused, Invalid)) as refusal:
        MongoBackend(url, NameMap())
    assert refusal.value.code == code
    assert url not in refusal.value.message


async def test_a_user_who_may_only_read_is_recognized(mongo_database: str) -> None:
    """Finding out half-way that a right is missing is too late."""
    if "@" not in mongo_database:
        pytest.skip("this server asks nobody for a password")
    async with place(mongo_database) as here:
        admin = here.database.client.admin
        name = f"reader_{here.backend.database}"
        roles = [{"role": "read", "db": here.backend.database}]
        await admin.command({"createUser": name, "pwd": "reader", "roles": roles})
        try:
            await here.database["item"].insert_one({"old": 1})
            address = mongo_database.rpartition("@")[2]
            reader = MongoBackend(f"mongodb://{name}:reader@{address}", NameMap())
            identity = await reader.identity()
            ordered = steps(RENAME, await here.pieces(RENAME))
            with pytest.raises(Refused) as refusal:
                await reader.run(PLAN_UP, ordered, POLICY)
            await reader.close()
        finally:
            await admin.command({"dropUser": name})

    assert identity.writable is False
    assert any("lacks" in warning for warning in identity.warnings)
    assert refusal.value.code == "permission-denied"
