"""What a backup and its copies will need of the server, tried before anything is written to a file."""

from __future__ import annotations

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.listing import listing
from skill_server.backends.mongo.scratch import drop, made_scratch
from skill_server.errors import MigrationError, Refused

_PERMISSION = frozenset({"permission-denied", "login-refused", "scratch-not-made"})


async def require_scratch_possible(connections: Connections) -> None:
    """Make this scratch database with nothing but its mark, and drop it: roles of a server say less than a trial.

    Raises:
        Refused: the user may not (`permission-missing`).
    """
    try:
        async with made_scratch(connections):
            pass
        await drop(connections)
    except MigrationError as error:
        if error.code not in _PERMISSION:
            raise
        raise _missing(
            f"no scratch database can be made on this MongoDB server: {error.message}",
            "readWriteAnyDatabase and dbAdminAnyDatabase",
        ) from error


async def require_dumpable(connections: Connections) -> None:
    """Read one document of every collection that a dump holds.

    Raises:
        Refused: one cannot be read (`permission-missing`); the message names the first.
    """
    name = connections.database
    try:
        for item in await listing(connections):
            name = f"{connections.database}.{item.name}"
            if item.holds_documents:
                await _read_one(connections, item.name)
    except MigrationError as error:
        if error.code not in _PERMISSION:
            raise
        raise _missing(
            f"the user may not read {name}", f"readWrite and dbAdmin on {connections.database}"
        ) from error


async def _read_one(connections: Connections, collection: str) -> None:
    with wrapped(f"reading {collection}"):
        await connections.raw(collection).find_one({})


def _missing(fact: str, roles: str) -> Refused:
    return Refused("permission-missing", fact, help=f"Let the server's owner grant the user {roles}.")
