"""Making, renaming and moving aside whole collections. Each may be done twice, and nothing is ever overwritten."""

from __future__ import annotations

import json
from typing import Any

from skill_server.backends.mongo import expiry
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.operations.catalog import options_of
from skill_server.backends.mongo.operations.operations import (
    CreateCollection,
    KeepCollection,
    RenameCollection,
)
from skill_server.backends.mongo.schema.listing import VALIDATION, all_names
from skill_server.errors import Failed, Refused
from skill_server.model.base import JsonObject
from skill_server.model.ids import LEDGER_NAME

# What collMod can give back to a collection that lost it.
MENDABLE = (*VALIDATION, "changeStreamPreAndPostImages")
TRIED, TRIED_AS = f"{LEDGER_NAME}.rename_tried", f"{LEDGER_NAME}.rename_tried_as"


async def create(connections: Connections, operation: CreateCollection) -> None:
    """Make a collection, or bring back the one that an earlier removal kept.

    Raises:
        Failed: `name-taken`; both are there, so that one would have to be given up.
    """
    present = set(await all_names(connections))
    kept = operation.kept if operation.kept in present else None
    if operation.collection in present and kept is not None:
        raise _taken(kept, operation.collection)
    if kept is not None:
        await _rename(connections, kept, operation.collection)
    elif operation.collection not in present:
        options: dict[str, Any] = ejson.loads(operation.options_json)
        command = await expiry.held(connections, {"create": operation.collection, **options})
        await connections.db().command(command)
    await _mend(connections, operation.collection, json.loads(operation.options_json))


async def keep(connections: Connections, operation: KeepCollection) -> None:
    """Move a collection aside, or drop it where it holds nothing.

    Raises:
        Failed: `name-taken`; something is kept under that name already, and the collection was made again since.
    """
    present = set(await all_names(connections))
    if operation.collection in present:
        if operation.kept in present:
            raise _taken(operation.collection, operation.kept)
        await _stop_expiry(connections, operation.collection)
        await _rename(connections, operation.collection, operation.kept)
    # Nobody writes to it under this name, so what is empty now stays empty.
    if await connections.db()[operation.kept].find_one({}, {"_id": 1}) is None:
        await connections.db().drop_collection(operation.kept)


async def rename(connections: Connections, operation: RenameCollection) -> None:
    """Rename a collection and make sure that its options came along.

    Raises:
        Failed: `name-taken` or `collection-missing`.
        Refused: `options-not-kept`; this server loses an option on the way that cannot be given back.
    """
    present = set(await all_names(connections))
    wanted: JsonObject = json.loads(operation.options_json)
    if operation.collection in present and operation.to in present:
        raise _taken(operation.collection, operation.to)
    if operation.collection in present:
        await _require_options_kept(connections, operation.collection, wanted)
        await _rename(connections, operation.collection, operation.to)
    elif operation.to not in present:
        raise Failed(
            "collection-missing",
            f"neither {operation.collection} nor {operation.to} is there",
            help="Find out who dropped the collection, and restore it from the backup.",
        )
    await _mend(connections, operation.to, wanted)


async def _rename(connections: Connections, name: str, to: str) -> None:
    await expiry.carry(connections, name, connections, to)
    await connections.client().admin.command(
        # Without dropTarget: a collection that stands in the way is somebody's data.
        {"renameCollection": f"{connections.database}.{name}", "to": f"{connections.database}.{to}"}
    )
    await expiry.forget(connections, name)


async def _mend(connections: Connections, name: str, wanted: JsonObject) -> None:
    """Give a collection the options again that a server's rename lost; MongoDB itself keeps all of them."""
    found: JsonObject = ejson.plain(await options_of(connections.db(), name) or {})
    lost = {word: wanted[word] for word in MENDABLE if word in wanted and found.get(word) != wanted[word]}
    if lost:
        mended = {word: wanted[word] for word in MENDABLE if word in wanted}
        await connections.db().command({"collMod": name, **ejson.loads(json.dumps(mended))})


async def _require_options_kept(connections: Connections, name: str, wanted: JsonObject) -> None:
    """Try the rename on an empty collection with the same options, where some cannot be given back afterwards."""
    others = {word: value for word, value in wanted.items() if word not in MENDABLE}
    if not others:
        return
    database = connections.db()
    for tried in (TRIED, TRIED_AS):
        await database.drop_collection(tried)
    try:
        await database.command({"create": TRIED, **ejson.loads(json.dumps(others))})
        made: JsonObject = ejson.plain(await options_of(database, TRIED) or {})
        await _rename(connections, TRIED, TRIED_AS)
        came: JsonObject = ejson.plain(await options_of(database, TRIED_AS) or {})
    finally:
        for tried in (TRIED, TRIED_AS):
            await database.drop_collection(tried)
    if came != made:
        raise Refused(
            "options-not-kept",
            f"this server loses options of {name} when it renames it: {', '.join(sorted(others))}",
            help="Copy the records into a new entity instead.",
        )


async def _stop_expiry(connections: Connections, name: str) -> None:
    """Drop the TTL indexes, by which the server would go on deleting what is kept."""
    collection = connections.db()[name]
    indexes: list[dict[str, Any]] = await collection.list_indexes().to_list(None)
    for index in indexes:
        if "expireAfterSeconds" in index:
            await collection.drop_index(index["name"])


def _taken(name: str, to: str) -> Failed:
    return Failed(
        "name-taken",
        f"{name} cannot be renamed to {to}, because both are there",
        help=f"Move the documents of {name} or of {to} elsewhere, drop that collection, then call again.",
    )
