"""The stand-in for MongoDB alone, with the sample application's records."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from benchmarks.harness.measure import Scale
from examples.item_management.app.seeding import CHUNK_RECORDS, Sizes, records
from examples.item_management.app.seeding.mongo import MongoLoader
from examples.item_management.app.seeding.records import SEEDED_MODELS
from skill_server.backends import open_backend
from skill_server.backends.base import Backend
from skill_server.backends.mongo.connection import Connections
from skill_server.embedded import embedded_pair
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap

# The stand-in takes ten times as long for a document as PostgreSQL for a row.
ITEMS = {Scale.SMALL: 10_000, Scale.LARGE: 100_000}
USERS, LOGS = 200, 4_000


@dataclass(frozen=True)
class Filled:
    """A filled database, the product's way to it, and the driver that the product reads it with.

    Peers use that same driver, so that what is compared is work and not drivers.
    """

    documents: int
    backend: Backend
    connections: Connections

    async def collections(self) -> list[str]:
        """Name the collections."""
        return sorted(await self.connections.db().list_collection_names())

    async def raw_batches(self) -> AsyncGenerator[bytes]:
        """Read every collection once as the bytes that the server sends."""
        for name in await self.collections():
            async for batch in self.connections.db()[name].find_raw_batches():
                yield batch


@asynccontextmanager
async def filled(scale: Scale) -> AsyncGenerator[Filled]:
    """Start a server, fill its database at that scale, and stop it at the end."""
    # Waiting for the disk after every write would make the filling ten times as long, and reads do not change.
    async with embedded_pair(durable=False) as pair:
        await _fill(pair.mongodb_url, ITEMS[scale])
        backend = open_backend(BackendKind.MONGODB, pair.mongodb_url, NameMap())
        connections = Connections(pair.mongodb_url)
        try:
            found = [
                await connections.db()[name].count_documents({})
                for name in await connections.db().list_collection_names()
            ]
            yield Filled(sum(found), backend, connections)
        finally:
            await connections.close()
            await backend.close()


async def _fill(url: str, items: int) -> None:
    sizes = Sizes(items=items, users=USERS, logs=LOGS)
    async with MongoLoader.open(url) as loader:
        await loader.create_collections()
        for model in SEEDED_MODELS:
            stream = records(model, sizes)
            while chunk := list(islice(stream, CHUNK_RECORDS)):
                await loader.load(model, chunk)
        await loader.create_indexes()
