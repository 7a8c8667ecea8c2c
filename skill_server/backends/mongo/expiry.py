"""Expiry: nothing is deleted by time in a scratch database, nor of what a restore put aside; live it is again.

A TTL index is held at the longest time there is, and a collection that expires as a whole (a time series, a clustered
one) has none. Notes beside them keep the true times, which a listing tells instead, so that a copy is described as its
original.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from skill_server.backends.base import SCRATCH_PREFIX
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.model.ids import LEDGER_NAME

NOTES = f"{LEDGER_NAME}.expiry"
EXPIRES = "expireAfterSeconds"
# The most that a TTL index takes (MongoDB manual, "TTL Indexes"): no document that lives where less is asked is older.
NEVER = 2**31 - 1
# Stands for the name of an index where the collection expires as a whole.
WHOLE = ""

Notes = Mapping[tuple[str, str], Any]


async def notes(connections: Connections) -> Notes:
    """Return the true times of what is held, by collection and index."""
    with wrapped("reading what does not expire"):
        found = await connections.db()[NOTES].find().to_list(None)
    return {(note["_id"]["collection"], note["_id"]["index"]): note[EXPIRES] for note in found}


def true_index(collection: str, index: Mapping[str, Any], noted: Notes) -> dict[str, Any]:
    """Return an index as it is where nothing is held."""
    key = (collection, str(index["name"]))
    return {**index, EXPIRES: noted[key]} if index.get(EXPIRES) == NEVER and key in noted else dict(index)


def true_options(collection: str, options: Mapping[str, Any], noted: Notes) -> dict[str, Any]:
    """Return the options of a collection as they are where nothing is held."""
    key = (collection, WHOLE)
    return {EXPIRES: noted[key], **options} if key in noted else dict(options)


def expires(options: Mapping[str, Any], indexes: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a server deletes documents of a collection by their age."""
    return _is_time(options) or any(_is_time(index) for index in indexes)


async def held(connections: Connections, command: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command on the catalog as it is run here: in a scratch database nothing that it makes expires."""
    if not connections.database.startswith(SCRATCH_PREFIX):
        return dict(command)
    name = next(iter(command))
    collection = str(command[name])
    match name:
        case "create":
            return await _held_whole(connections, collection, command)
        case "createIndexes":
            indexes = [await _held_index(connections, collection, index) for index in command["indexes"]]
            return {**command, "indexes": indexes}
        case "collMod":
            changed = dict(command)
            if EXPIRES in command:
                changed = await _held_whole(connections, collection, command)
            if EXPIRES in changed.get("index", {}):
                changed["index"] = await _held_change(connections, collection, changed["index"])
            return changed
        case _:
            return dict(command)


async def hold(connections: Connections, collection: str, options: Mapping[str, Any]) -> None:
    """Let nothing of a collection expire any more. It may be done twice."""
    for index in await _indexes(connections, collection):
        if _is_time(index) and index[EXPIRES] != NEVER:
            await _note(connections, collection, index["name"], index[EXPIRES])
            await _set(connections, collection, index["name"], NEVER)
    if _is_time(options):
        await _note(connections, collection, WHOLE, options[EXPIRES])
        await _set(connections, collection, WHOLE, "off")


async def let_expire(connections: Connections) -> None:
    """Give everything here its true time again, but what a restore put aside. It may be done twice."""
    for (collection, index), after in (await notes(connections)).items():
        there = {each["name"]: each for each in await _indexes(connections, collection)}
        if there and collection.startswith(f"{LEDGER_NAME}."):
            continue
        if index == WHOLE and there:
            await _set(connections, collection, WHOLE, after)
        elif index in there and there[index].get(EXPIRES) == NEVER:
            await _set(connections, collection, index, after)
        await _forget(connections, collection, index)


async def carry(source: Connections, collection: str, target: Connections, to: str) -> None:
    """Note the true times of a collection under the name that it gets next, and nothing else there."""
    await forget(target, to)
    for (noted, index), after in (await notes(source)).items():
        if noted == collection:
            await _note(target, to, index, after)


async def forget(connections: Connections, collection: str) -> None:
    """Forget the true times of a collection that is no longer there under this name."""
    for noted, index in await notes(connections):
        if noted == collection:
            await _forget(connections, collection, index)


async def _held_whole(
    connections: Connections, collection: str, command: Mapping[str, Any]
) -> dict[str, Any]:
    if _is_time(command):
        await _note(connections, collection, WHOLE, command[EXPIRES])
    else:
        await _forget(connections, collection, WHOLE)
    return {word: value for word, value in command.items() if word != EXPIRES}


async def _held_index(connections: Connections, collection: str, index: Mapping[str, Any]) -> dict[str, Any]:
    name = str(index["name"])
    if not _is_time(index):
        return dict(index)
    if (await notes(connections)).get((collection, name), index[EXPIRES]) != index[EXPIRES] and any(
        each["name"] == name for each in await _indexes(connections, collection)
    ):
        # It is there with another true time: the server must refuse this one, as it would refuse it live.
        return dict(index)
    await _note(connections, collection, name, index[EXPIRES])
    return {**index, EXPIRES: NEVER}


async def _held_change(
    connections: Connections, collection: str, change: Mapping[str, Any]
) -> dict[str, Any]:
    """Hold an index that `collMod` names, or describes by its keys."""
    for index in await _indexes(connections, collection):
        if change.get("name", index["name"]) == index["name"] and (
            dict(change.get("keyPattern", index["key"])) == dict(index["key"])
        ):
            await _note(connections, collection, index["name"], change[EXPIRES])
            return {**change, EXPIRES: NEVER}
    return dict(change)


def _is_time(described: Mapping[str, Any]) -> bool:
    # Neither `off` is one, nor the NaN that some clients wrote, by which nothing expires and which no command writes.
    after = described.get(EXPIRES)
    return after is not None and not isinstance(after, str) and after == after


async def _indexes(connections: Connections, collection: str) -> list[dict[str, Any]]:
    with wrapped(f"listing the indexes of {collection}"):
        return await connections.db()[collection].list_indexes().to_list(None)


async def _set(connections: Connections, collection: str, index: str, after: Any) -> None:
    change = {EXPIRES: after} if index == WHOLE else {"index": {"name": index, EXPIRES: after}}
    with wrapped(f"changing when documents of {collection} expire", writes=True):
        await connections.db().command({"collMod": collection, **change})


async def _note(connections: Connections, collection: str, index: str, after: Any) -> None:
    key = {"collection": collection, "index": index}
    with wrapped(f"noting when documents of {collection} expire", writes=True):
        # Before anything is held, so that a crash never leaves a time that nobody knows any more.
        await connections.db()[NOTES].replace_one({"_id": key}, {"_id": key, EXPIRES: after}, upsert=True)


async def _forget(connections: Connections, collection: str, index: str) -> None:
    with wrapped(f"forgetting when documents of {collection} expire", writes=True):
        await connections.db()[NOTES].delete_one({"_id": {"collection": collection, "index": index}})
