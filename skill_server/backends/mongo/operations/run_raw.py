"""Running a command that an author wrote, so that a crash and a second run leave what one run leaves."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from skill_server.backends.mongo import expiry
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.failures import patiently
from skill_server.backends.mongo.operations.catalog import INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND, options_of
from skill_server.backends.mongo.operations.operations import RunCommand
from skill_server.backends.mongo.render import raw_commands
from skill_server.errors import Failed, Refused

NAMESPACE_EXISTS = 48
DURABLE = {"w": "majority", "j": True}
# Writes the mark "this statement is done" in a session.
Marking = Callable[[Any], Awaitable[None]]


async def run(operation: RunCommand, connections: Connections, mark: Marking) -> None:
    """Run the command; one that may not be done twice runs in one transaction with its mark.

    Raises:
        Refused: `transactions-missing`; such a command, and a server without transactions.
        Failed: the server refused, or found the document of an insert with another content.
    """
    plain = json.loads(operation.command_json)
    name, collection = raw_commands.read(plain)
    command: dict[str, Any] = ejson.loads(operation.command_json)
    if name == "insert":
        await _insert(connections, collection, command["documents"])
    elif name == "drop":
        await _drop(connections, collection)
    elif raw_commands.is_repeatable(plain):
        async for attempt in patiently():
            with attempt:
                await _repeatable(connections, name, collection, command)
    else:
        await _once(connections, command, mark)


async def _repeatable(connections: Connections, name: str, collection: str, command: dict[str, Any]) -> None:
    from pymongo.errors import OperationFailure

    database = connections.db()
    command = await expiry.held(connections, command)
    try:
        _require_written(await database.command({**command, "writeConcern": DURABLE}))
    except OperationFailure as error:
        if name == "dropIndexes" and error.code in {INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND}:
            return
        if name != "create" or error.code != NAMESPACE_EXISTS:
            raise
        asked = {word: value for word, value in command.items() if word != "create"}
        found = await options_of(database, collection) or {}
        if ejson.plain({word: found.get(word) for word in asked}) != ejson.plain(asked):
            raise


async def _once(connections: Connections, command: dict[str, Any], mark: Marking) -> None:
    hello = await connections.client().admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Refused(
            "transactions-missing",
            "a raw MongoDB command may not be done twice, and this server has no transaction to do it just once",
            help="Write it with $set and multi, so that doing it again changes nothing, or run a replica set.",
        )

    async def work(session: Any) -> None:
        _require_written(await connections.db().command(command, session=session))
        await mark(session)

    async with await connections.client().start_session() as session:
        await session.with_transaction(work)


async def _drop(connections: Connections, collection: str) -> None:
    options = await options_of(connections.db(), collection)
    holds = options is not None and "viewOn" not in options
    if holds and await connections.db()[collection].find_one({}, {"_id": 1}) is not None:
        raise Failed(
            "collection-not-empty",
            f"a raw MongoDB command would drop {collection}, which holds documents",
            help="Drop the entity instead, which keeps its documents until the migration is finalized.",
        )
    await connections.db().drop_collection(collection)


async def _insert(connections: Connections, collection: str, documents: list[dict[str, Any]]) -> None:
    """Insert the documents that are not there; one that is there must be the same."""
    import bson

    encode: Any = bson.encode
    for document in documents:
        wanted: bytes = encode(document)
        there = await connections.raw(collection).find_one({"_id": document["_id"]})
        if there is None:
            await connections.db()[collection].insert_one(document)
        elif there.raw != wanted:
            raise Failed(
                "document-exists",
                f"{collection} already has another document {ejson.shown(document['_id'])}",
                help="Give the new document another _id, or update the one that is there.",
            )


def _require_written(answer: dict[str, Any]) -> None:
    """Raise what the server says inside an answer that is otherwise good; the driver looks only at `ok`."""
    from pymongo.errors import OperationFailure

    if answer.get("writeConcernError"):
        from pymongo.errors import WriteConcernError

        problem = answer["writeConcernError"]
        raise WriteConcernError(problem.get("errmsg", ""), problem.get("code"), problem)
    for problem in answer.get("writeErrors", ()):
        raise OperationFailure(problem.get("errmsg", ""), problem.get("code"), problem)
