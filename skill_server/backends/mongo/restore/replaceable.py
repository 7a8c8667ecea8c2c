"""What would stop a restored copy from taking the place of the live collections, asked before anything is begun.

The collections move one by one, so what refuses half-way leaves a database that never was; and sessions of other
clients cannot be ended here, so whoever is writing has to stop first.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from skill_server.backends.mongo.backup.scratch import require_scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.expiry import EXPIRES
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.restore import activity
from skill_server.backends.mongo.restore.replacement import ASIDE_PREFIX, Journal, Replacement
from skill_server.backends.mongo.schema.listing import (
    LONGEST_NAMESPACE_BYTES,
    TIME_SERIES,
    VALIDATION,
    VIEW,
    Collection,
    is_of_id,
    listing,
)
from skill_server.errors import Conflict, Failed, Refused
from skill_server.model.ids import LEDGER_NAME

_STAMP_LENGTH = len("20260101T000000000000Z")
_TRIED = f"{LEDGER_NAME}.rename_tried"


async def require_replaceable(connections: Connections, copy: str | None = None) -> None:
    """Check what would stop `replace.replace_with`, for a copy only where one is there.

    Raises:
        Refused: see `require`; or the copy is not scratch (`not-scratch`).
        Conflict: other clients are writing (`application-not-quiet`), or another replacement was begun and is not
            finished (`replacement-unfinished`).
    """
    new: Sequence[Collection] = ()
    if copy is not None:
        if await Journal(connections).is_done(copy):
            return
        source = connections.at(copy)
        await require_scratch(source)
        new = await listing(source)
    await require(connections, await listing(connections), new)
    if await unfinished(connections, copy) is None and (busy := await activity.at_work(connections)):
        raise Conflict(
            "application-not-quiet",
            f"other clients are at work in {connections.database}, and MongoDB cannot end their sessions: "
            f"{'; '.join(busy[:5])}",
            help="Stop the application, then call again.",
        )
    if copy is not None:
        await require_options_kept(connections, connections.at(copy), new)


async def require(connections: Connections, old: Sequence[Collection], new: Sequence[Collection]) -> None:
    """Check the server and the collections of both sides.

    Raises:
        Refused: the server or a collection does not allow it (`replacement-impossible`).
    """
    with wrapped("asking for the topology"):
        hello = await connections.client().admin.command("hello")
    if hello.get("msg") == "isdbgrid":
        raise refused("renaming across databases does not exist on a sharded cluster")
    for item in (*old, *new):
        if item.kind == TIME_SERIES:
            raise refused(f"{item.name} is a time series, which MongoDB cannot rename")
        if item.name.startswith("system."):
            raise refused(f"{item.name} belongs to the server, which does not rename it")
    for item in old:
        namespace = f"{connections.database}.{ASIDE_PREFIX}.{'x' * _STAMP_LENGTH}.{item.name}"
        if len(namespace.encode()) > LONGEST_NAMESPACE_BYTES:
            raise refused(f"the name of {item.name} is too long to keep it aside")
    for item in new:
        if len(f"{connections.database}.{item.name}".encode()) > LONGEST_NAMESPACE_BYTES:
            raise refused(f"the name of {item.name} is too long for this database")


async def unfinished(connections: Connections, copy: str | None) -> Replacement | None:
    """Return the replacement by this copy that was begun and did not end.

    Raises:
        Conflict: one by another copy was (`replacement-unfinished`).
    """
    begun = await Journal(connections).unfinished()
    if begun is not None and begun.copy_name != copy:
        raise Conflict(
            "replacement-unfinished",
            f"{connections.database} is being replaced with {begun.copy_name}, not with {copy or 'another'}",
            help="Finish that one first: call again with its name.",
        )
    return begun


async def require_options_kept(
    connections: Connections, source: Connections, new: Sequence[Collection]
) -> None:
    """Rename an empty collection like each one from database to database, since some servers lose what it has.

    Raises:
        Refused: one would not be renamed, or not whole (`replacement-impossible`).
    """
    for item in new:
        options = {key: value for key, value in item.options.items() if key not in VALIDATION}
        indexes = [index for index in item.indexes if not is_of_id(index)]
        if item.kind == VIEW or not (options or indexes):
            continue
        name = f"{_TRIED}.{secrets.token_hex(4)}"
        try:
            kept = await _survives(connections, source, name, options, indexes)
        except Failed as error:
            raise refused(f"{item.name} could not be renamed into it: {error.message}") from error
        if not kept:
            raise refused(f"{item.name} would lose options or indexes when it is renamed into it")


async def _survives(
    connections: Connections,
    source: Connections,
    name: str,
    options: dict[str, Any],
    indexes: Sequence[dict[str, Any]],
) -> bool:
    here, there = connections.db(), source.db()
    with wrapped("trying to rename a collection", writes=False):
        try:
            # As the copy has it: without, until `collMod` gives it back.
            held = {word: value for word, value in options.items() if word != EXPIRES}
            await there.command({"create": name, **held})
            if indexes:
                await there.command({"createIndexes": name, "indexes": [_built(index) for index in indexes]})
            made = await _described(there, name)
            await connections.client().admin.command(
                {"renameCollection": f"{source.database}.{name}", "to": f"{connections.database}.{name}"}
            )
            if EXPIRES in options:
                await here.command({"collMod": name, EXPIRES: options[EXPIRES]})
                made[0][EXPIRES] = options[EXPIRES]
            return await _described(here, name) == made
        finally:
            await there.drop_collection(name)
            await here.drop_collection(name)


async def _described(database: Any, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    (found,) = await (await database.list_collections(filter={"name": name})).to_list(None)
    indexes = [_built(index) for index in await database[name].list_indexes().to_list(None)]
    return dict(found.get("options") or {}), sorted(indexes, key=lambda index: str(index["name"]))


def _built(index: dict[str, Any]) -> dict[str, Any]:
    # Old servers write the namespace into the description of an index.
    return {key: value for key, value in index.items() if key != "ns"}


def refused(reason: str) -> Refused:
    """Say why this database cannot be replaced by a copy."""
    return Refused(
        "replacement-impossible",
        f"the database cannot be replaced by its copy: {reason}",
        help="Restore the backup into a new database and point the application there.",
    )
