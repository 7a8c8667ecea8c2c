"""Reading whole collections as raw bytes, in one snapshot where the server proves that it isolates."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, TypeVar

import anyio

from skill_server.backends.mongo.backup.together import ended
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents.bson_walk import Malformed
from skill_server.backends.mongo.failures import is_passing, wrapped
from skill_server.errors import Failed

PROBE_COLLECTION = "database_migration.probe"
READ_ATTEMPTS = 3
# What is fetched before it is worked on. Where a server takes long for a first answer and little for the others, the
# next collection is asked for while this one is still being summed.
AHEAD_BYTES = 8 * 1024 * 1024
# How many collections are still summed, packed and brought to the disk while others are read already.
BEHIND = 1
# Large enough to hide the way to the server, small enough to hold two batches of several collections in memory.
BATCH_DOCUMENTS = 2000
# Numbers of the server's error_codes.yml: InvalidOptions (a capped collection before 8.0), SnapshotTooOld,
# SnapshotUnavailable.
_SNAPSHOT_CODES = frozenset({72, 239, 246})

Result = TypeVar("Result")


class CursorLost(Exception):
    """The server forgot a cursor, or the connection to it was lost; what was read so far has no end."""


class SnapshotLost(Exception):
    """The server cannot read this in the snapshot of the session."""


class Turns:
    """Reads that take turns, in a session where there is one; what is done with what was read goes on meanwhile.

    A session is for one operation at a time (driver specification).
    """

    def __init__(self, session: Any = None, *, at_once: int = 1) -> None:
        self.session = session
        readers = 1 if session is not None else at_once
        self.turn = asyncio.Semaphore(readers)
        self.workers = readers + BEHIND


async def batches(
    connections: Connections, collection: str, turns: Turns | None = None
) -> AsyncGenerator[bytes]:
    """Yield the documents of a collection in the server's own order, as concatenated BSON, when it is their turn.

    Raises:
        CursorLost: the rest cannot be had any more; nothing shorter than the whole ever ends quietly.
        SnapshotLost: not in this session; without one it can be read.
    """
    from pymongo.errors import CursorNotFound, PyMongoError

    turns = turns or Turns()
    async with turns.turn:
        with wrapped(f"reading {collection}"), _losing_snapshots(turns.session):
            try:
                found = connections.db()[collection]
                cursor = found.find_raw_batches(session=turns.session, batch_size=BATCH_DOCUMENTS)
                try:
                    async for batch in cursor:
                        yield batch
                finally:
                    await cursor.close()
            except PyMongoError as error:
                if isinstance(error, CursorNotFound) or is_passing(error):
                    raise CursorLost(collection) from error
                raise


@contextmanager
def _losing_snapshots(session: Any) -> Generator[None]:
    from pymongo.errors import OperationFailure

    try:
        yield
    except OperationFailure as error:
        if session is not None and error.code in _SNAPSHOT_CODES:
            raise SnapshotLost from error
        raise


async def read_whole(
    connections: Connections,
    collection: str,
    begin: Callable[[], Result],
    take: Callable[[Result, bytes], Awaitable[None]],
    *,
    turns: Turns | None = None,
    abandon: Callable[[Result], None] | None = None,
) -> Result:
    """Read a collection into what `begin` makes, from zero again when the cursor is lost, and return it.

    `abandon` clears away what an attempt that did not reach the end has made.

    Raises:
        Failed: the cursor was lost every time (`cursor-lost`), or a document is not BSON (`document-malformed`).
        SnapshotLost: see `batches`.
    """
    for attempt in range(1, READ_ATTEMPTS + 1):
        result = begin()
        try:
            async with (
                aclosing(batches(connections, collection, turns)) as reader,
                aclosing(read_ahead(reader)) as ahead,
            ):
                async for batch in ahead:
                    await take(result, batch)
        except CursorLost as error:
            _abandoned(result, abandon)
            if attempt == READ_ATTEMPTS:
                raise Failed(
                    "cursor-lost",
                    f"the server lost the cursor on {collection} {READ_ATTEMPTS} times before its end",
                    help="Look at the server's log and load, then call again.",
                ) from error
        except Malformed as error:
            _abandoned(result, abandon)
            raise Failed(
                "document-malformed",
                f"the server sent a document of {collection} that is not BSON: {error}",
                help="Run the server's validate command on the collection.",
            ) from error
        except BaseException:
            _abandoned(result, abandon)
            raise
        else:
            return result
    raise AssertionError("the last attempt returns or raises")


def _abandoned(result: Result, abandon: Callable[[Result], None] | None) -> None:
    if abandon is not None:
        abandon(result)


async def read_ahead(reader: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield what a reader yields, and let it fetch what follows while one batch is worked on.

    An error of the reader is raised when everything before it was worked on.
    """
    coming: asyncio.Queue[bytes | None] = asyncio.Queue()
    held, room = 0, asyncio.Event()

    async def fetch() -> None:
        nonlocal held
        try:
            async for batch in reader:
                held += len(batch)
                coming.put_nowait(batch)
                if held >= AHEAD_BYTES:
                    room.clear()
                    await room.wait()
        finally:
            coming.put_nowait(None)

    fetching = asyncio.ensure_future(fetch())
    try:
        while (batch := await coming.get()) is not None:
            yield batch
            held -= len(batch)
            if held < AHEAD_BYTES:
                room.set()
        await fetching
    finally:
        await ended([fetching])


async def in_threads(batch: bytes, *works: Callable[[bytes], None]) -> None:
    """Run works on a batch beside the event loop, so that heartbeats go on; a cancelled caller waits for their end."""
    await _beside([partial(work, batch) for work in works])


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run work beside the event loop and return its result; a cancelled caller waits for its end."""
    (result,) = await _beside([work])
    return result


async def _beside(works: Sequence[Callable[[], Result]]) -> list[Result]:
    working = [asyncio.ensure_future(asyncio.to_thread(work)) for work in works]
    try:
        return await asyncio.shield(asyncio.gather(*working))
    except BaseException:
        # What the threads use is closed next. anyio cancels every wait anew, unless it is shielded.
        with anyio.CancelScope(shield=True):
            await asyncio.wait(working)
        raise


@asynccontextmanager
async def snapshot_session(connections: Connections) -> AsyncGenerator[Any]:
    """Give a session whose reads all see one moment, or None where the server has no such thing."""
    if not await isolates(connections):
        yield None
        return
    async with open_snapshot(connections) as session:
        yield session


@asynccontextmanager
async def open_snapshot(connections: Connections) -> AsyncGenerator[Any]:
    """Open a snapshot session on a server that isolates; its first read, done here, decides on the moment.

    Raises:
        SnapshotLost: the server has no snapshot to give at this moment.
    """
    with wrapped("opening a snapshot"):
        session = await connections.client().start_session(snapshot=True)
    async with session:
        with wrapped("reading in a snapshot"), _losing_snapshots(session):
            await connections.db()[PROBE_COLLECTION].find_one({}, session=session)
        yield session


async def isolates(connections: Connections) -> bool:
    """Prove that a snapshot session does not see a write made after its first read.

    A standalone server refuses such a session, and one server that speaks the protocol accepts it without isolating.
    """
    from pymongo.errors import PyMongoError

    key = uuid.uuid4().hex
    try:
        probe = connections.db()[PROBE_COLLECTION]
        await probe.insert_one({"_id": key, "turn": 1})
        try:
            async with await connections.client().start_session(snapshot=True) as session:
                first = await probe.find_one({"_id": key}, session=session)
                await probe.update_one({"_id": key}, {"$set": {"turn": 2}})
                second = await probe.find_one({"_id": key}, session=session)
        finally:
            await probe.delete_one({"_id": key})
    except PyMongoError:
        # Whatever stood in the way (a standalone server, a role that may not write), nothing was proven.
        return False
    return first is not None and first == second
