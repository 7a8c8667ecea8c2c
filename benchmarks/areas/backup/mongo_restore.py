"""The restore of MongoDB: hashes checked, options, documents and indexes, counted."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from benchmarks.databases.mongo import filled
from benchmarks.harness.measure import Bar, Benchmark, Lap, Rivals, Scale
from skill_server.backends.base import scratch_name

COPY, PEER_COPY = scratch_name("copy", "benchmark"), "peer_copy"
BATCH_DOCUMENTS = 1000


@asynccontextmanager
async def _rivals(scale: Scale) -> AsyncGenerator[Rivals]:
    with tempfile.TemporaryDirectory(prefix="database-migration-bench-") as name:
        folder = Path(name)
        async with filled(scale) as database:
            place = folder / "dump"
            place.mkdir(mode=0o700)
            await database.backend.dump(place)
            raw = CodecOptions(document_class=RawBSONDocument)
            live = database.connections.db()
            held = {
                name: await live.get_collection(name, codec_options=raw).find().to_list(None)
                for name in await database.collections()
            }

            indexes = {name: await live[name].list_indexes().to_list(None) for name in held}

            async def product(lap: Lap) -> None:
                copy = database.backend.at(COPY)
                with lap.timed():
                    await copy.load(place)
                await copy.drop()

            async def peer(lap: Lap) -> None:
                other = database.connections.at(PEER_COPY).db()
                with lap.timed():
                    for name, documents in held.items():
                        for first in range(0, len(documents), BATCH_DOCUMENTS):
                            await other[name].insert_many(documents[first : first + BATCH_DOCUMENTS])
                        # The stand-in takes longer for indexes than for documents, and both sides need them.
                        if wanted := [index for index in indexes[name] if list(index["key"]) != ["_id"]]:
                            await other.command({"createIndexes": name, "indexes": wanted})
                await database.connections.client().drop_database(PEER_COPY)

            yield Rivals(product=product, peer=peer)


BENCHMARK = Benchmark(
    bars=(
        Bar(
            id="mongo-restore",
            what="restore of MongoDB, hashed, validated, counted / `insert_many` of raw documents and the same indexes",
            target=1.2,
            limit=1.5,
        ),
    ),
    rivals=_rivals,
)
