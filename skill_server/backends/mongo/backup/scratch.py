"""Scratch databases: made by this product, marked as such inside, and the only ones that it ever drops.

The mark is a document. A server makes a collection before the first document in it, so that collection is made with a
validator that holds the database's name: what a crash leaves in between is known by it, and by holding nothing.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio

from skill_server.backends.base import SCRATCH_PREFIX
from skill_server.backends.mongo.backup.fill import create_views, fill
from skill_server.backends.mongo.backup.reading import CursorLost, batches
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.listing import Collection, all_names, listing
from skill_server.errors import Failed, InDoubt, MigrationError, Refused

DROP_WITHIN_S = 60.0
# Reading one collection and writing another keep a server half busy; more than this no longer helps.
SIDE_BY_SIDE = 3
MARK_COLLECTION = "database_migration.scratch"


async def copy_from(connections: Connections, template: str, *, gently: bool = False) -> None:
    """Create this scratch database as a copy of another one on the server that nobody writes to.

    Collections are copied side by side, or one after the other where it should go `gently`.

    Raises:
        Refused: this one is not empty or is not named as a scratch database.
        Failed: copying broke off; this database is dropped again.
    """
    source = connections.at(template)
    async with made_scratch(connections):
        items = await listing(source)
        holding = iter([item for item in items if item.holds_documents])
        problems: list[MigrationError] = []

        async def copy_some() -> None:
            for item in holding:
                if problems:
                    return
                try:
                    await _copy(connections, source, item)
                except MigrationError as error:
                    # A group would wrap it, and nobody outside looks into groups.
                    problems.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(1 if gently else SIDE_BY_SIDE):
                group.start_soon(copy_some)
        if problems:
            raise problems[0]
        await create_views(connections, items)


async def _copy(connections: Connections, source: Connections, item: Collection) -> None:
    try:
        await fill(connections, item, batches(source, item.name))
    except CursorLost as error:
        raise Failed(
            "cursor-lost",
            f"the server lost the cursor on {item.name} while it was copied",
            help="Call again.",
        ) from error


@asynccontextmanager
async def made_scratch(connections: Connections) -> AsyncGenerator[None]:
    """Mark this database as scratch for the block that fills it; drop it when the block fails.

    Raises:
        Refused: it holds something already (`restore-target-not-empty`), or its name is not a scratch name
            (`not-scratch`).
    """
    require_scratch_name(connections.database)
    if await all_names(connections):
        raise Refused(
            "restore-target-not-empty",
            f"the database {connections.database} already holds something",
            help="Choose another scratch name.",
        )
    await mark(connections)
    try:
        yield
    except BaseException as error:
        try:
            # A cancelled caller is cancelled anew at every wait, unless it is shielded.
            with anyio.move_on_after(DROP_WITHIN_S, shield=True):
                await drop(connections)
        except MigrationError as second:
            # The first error is the cause; that the half-made copy is still there must be known as well.
            error.add_note(f"the scratch database could not be dropped: {second.message}")
            raise error from second
        if isinstance(error, InDoubt | Refused):
            # Whatever was in doubt went with the database.
            raise Failed(
                "scratch-not-made",
                f"the scratch database was dropped again: {error.message}",
                help="Remove the cause, then call again.",
            ) from error
        raise


async def mark(connections: Connections) -> None:
    """Mark this empty database before anything else is in it: whatever a crash leaves behind is found by that."""
    with wrapped("marking the scratch database", writes=True):
        await connections.db().create_collection(MARK_COLLECTION, validator=_validator(connections))
        await connections.db()[MARK_COLLECTION].insert_one(
            {
                "_id": "scratch",
                "database": connections.database,
                "made_at": datetime.now(UTC).isoformat(timespec="microseconds"),
            }
        )


async def drop(connections: Connections) -> None:
    """Drop this database.

    Raises:
        Refused: it does not carry the scratch name and mark (`not-scratch`).
    """
    await require_scratch(connections)
    with wrapped("dropping a scratch database", writes=True):
        await connections.client().drop_database(connections.database)


async def made_at(connections: Connections) -> str:
    """Return the moment in which this database was marked; nothing where that was not done to its end."""
    with wrapped("reading the mark of a scratch database"):
        mark = await connections.db()[MARK_COLLECTION].find_one({"_id": "scratch"})
    return "" if mark is None else str(mark["made_at"])


async def scratch(connections: Connections) -> list[str]:
    """Name the scratch databases of this product on the server."""
    return [name for name in await _named(connections) if await _is_marked(connections.at(name))]


async def lookalikes(connections: Connections) -> list[str]:
    """Name the server's databases that carry the prefix alone, so that nothing here ever drops them."""
    return [name for name in await _named(connections) if not await _is_marked(connections.at(name))]


async def require_scratch(connections: Connections) -> None:
    """Raise Refused (`not-scratch`) unless this database carries the scratch name and mark."""
    require_scratch_name(connections.database)
    if not await _is_marked(connections):
        raise _not_scratch(connections.database, "does not carry the mark of a scratch database")


def require_scratch_name(database: str) -> None:
    """Raise Refused (`not-scratch`) unless the name is one that only scratch databases get."""
    if not database.startswith(SCRATCH_PREFIX):
        raise _not_scratch(database, f"does not begin with {SCRATCH_PREFIX}")


async def _named(connections: Connections) -> list[str]:
    with wrapped("listing databases"):
        found: list[str] = await connections.client().list_database_names()
    return [name for name in sorted(found) if name.startswith(SCRATCH_PREFIX)]


async def _is_marked(connections: Connections) -> bool:
    with wrapped("reading the mark of a scratch database"):
        # The mark names its database: one that was renamed or copied by hand does not carry it on.
        mark = await connections.db()[MARK_COLLECTION].find_one({"_id": "scratch"})
        if mark is not None:
            return mark.get("database") == connections.database
        return await _is_newborn(connections)


async def _is_newborn(connections: Connections) -> bool:
    """Say whether there is nothing but the place of the mark, made for this very database."""
    found: list[dict[str, Any]] = await (await connections.db().list_collections()).to_list(None)
    if [entry["name"] for entry in found] != [MARK_COLLECTION]:
        return False
    options: dict[str, Any] = found[0].get("options") or {}
    if options.get("validator") != _validator(connections):
        return False
    return await connections.db()[MARK_COLLECTION].find_one({}) is None


def _validator(connections: Connections) -> dict[str, Any]:
    return {"database": connections.database}


def _not_scratch(database: str, reason: str) -> Refused:
    return Refused(
        "not-scratch",
        f"the database {database} {reason}",
        help="Leave it alone, or drop it by hand if it is nobody's.",
    )
