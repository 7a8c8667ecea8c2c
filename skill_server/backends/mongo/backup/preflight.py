"""What a backup and its copies will need of the server, tried before anything is written to a file."""

from __future__ import annotations

from skill_server.backends.base import SCRATCH_PREFIX
from skill_server.backends.mongo.backup.scratch import drop, made_scratch
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.listing import LONGEST_NAMESPACE_BYTES, listing
from skill_server.errors import MigrationError, Refused

# As `backup.scratch.names` has them: a purpose, eight digits of a ledger and eight of a run or label.
LONGEST_SCRATCH_BYTES = len(f"{SCRATCH_PREFIX}rehearsal_01234567_01234567")
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
        Refused: one cannot be read (`permission-missing`), or a scratch database cannot hold one of its name
            (`name-too-long`); the message names the first.
    """
    name = connections.database
    try:
        for item in await listing(connections):
            name = f"{connections.database}.{item.name}"
            _require_short(item.name)
            if item.holds_documents:
                await _read_one(connections, item.name)
    except MigrationError as error:
        if error.code not in _PERMISSION:
            raise
        raise _missing(
            f"the user may not read {name}", f"readWrite and dbAdmin on {connections.database}"
        ) from error


def _require_short(collection: str) -> None:
    longest = LONGEST_NAMESPACE_BYTES - LONGEST_SCRATCH_BYTES - len(".")
    if len(collection.encode()) > longest:
        raise Refused(
            "name-too-long",
            f"the name of {collection} is longer than {longest} bytes, so no scratch database can hold a copy of it "
            f"and no backup can be proven",
            help="Rename the collection by hand.",
        )


async def _read_one(connections: Connections, collection: str) -> None:
    with wrapped(f"reading {collection}"):
        await connections.raw(collection).find_one({})


def _missing(fact: str, roles: str) -> Refused:
    return Refused("permission-missing", fact, help=f"Let the server's owner grant the user {roles}.")
