"""Making a collection anew from raw documents: options, documents, indexes, and its validator last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from skill_server.backends.mongo import expiry
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import bson_walk
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.listing import VALIDATION, Collection, all_names, is_of_id
from skill_server.errors import Failed

BATCH_DOCUMENTS = 1000
BATCH_BYTES = 16 * 1024 * 1024


async def fill(connections: Connections, item: Collection, batches: AsyncIterator[bytes]) -> int:
    """Create a collection as described, insert the documents in their order, and return their count.

    Raises:
        Failed: the server refused an option, a document or an index, or counts another number afterwards.
        Malformed: the batches are not BSON.
    """
    database = connections.db()
    options = {key: value for key, value in item.options.items() if key not in VALIDATION}
    # Only servers before 4.0 know a collection without an index on `_id`, and later ones refuse the word.
    options.pop("autoIndexId", None)
    with wrapped(f"creating {item.name}"):
        await database.command(await expiry.held(connections, {"create": item.name, **options}))
    records = 0
    async for documents in _bundles(batches):
        await _insert(connections, item.name, documents)
        records += len(documents)
    await _build_indexes(connections, item)
    validation = {key: item.options[key] for key in VALIDATION if key in item.options}
    if validation:
        # Documents older than the validator may break it; the server asks it only of later writes.
        with wrapped(f"giving {item.name} its validator"):
            await database.command({"collMod": item.name, **validation})
    await require_count(connections, item.name, records)
    return records


async def require_count(connections: Connections, collection: str, records: int) -> None:
    """Raise Failed (`record-count-differs`) unless a collection holds exactly that many documents."""
    with wrapped(f"counting {collection}"):
        found = await connections.db()[collection].count_documents({})
    if found != records:
        raise Failed(
            "record-count-differs",
            f"{collection} holds {found} documents instead of {records}",
            help="Find out who else writes to the database, then begin again.",
        )


async def create_views(connections: Connections, items: Sequence[Collection]) -> None:
    """Create the views that are not there yet; one may show another, whatever the order."""
    present = set(await all_names(connections))
    for item in items:
        if not item.holds_documents and item.name not in present:
            with wrapped(f"creating the view {item.name}"):
                await connections.db().command({"create": item.name, **item.options})


async def _insert(connections: Connections, collection: str, documents: Sequence[bytes]) -> None:
    from bson.raw_bson import RawBSONDocument

    with wrapped(f"inserting into {collection}", writes=True):
        await connections.raw(collection).insert_many(
            [RawBSONDocument(document) for document in documents], ordered=True
        )


async def _build_indexes(connections: Connections, item: Collection) -> None:
    # The server makes the one on `_id` itself, and a clustered collection has it in its options.
    wanted = [
        {key: value for key, value in index.items() if key != "ns"}
        for index in item.indexes
        if not is_of_id(index) and not index.get("clustered")
    ]
    if wanted:
        with wrapped(f"building the indexes of {item.name}"):
            command = await expiry.held(connections, {"createIndexes": item.name, "indexes": wanted})
            await connections.db().command(command)
    with wrapped(f"listing the indexes of {item.name}"):
        found = {index["name"] async for index in connections.db()[item.name].list_indexes()}
    missing = sorted({str(index["name"]) for index in item.indexes} - found)
    if missing:
        raise Failed(
            "index-missing",
            f"{item.name} did not get its indexes {', '.join(missing)}",
            help="Look at the server's log, then begin again.",
        )


async def _bundles(batches: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Yield documents in bundles that one message can carry."""
    bundle: list[bytes] = []
    size = 0
    async for batch in batches:
        for document in bson_walk.documents(batch):
            if bundle and (len(bundle) == BATCH_DOCUMENTS or size + len(document) > BATCH_BYTES):
                yield bundle
                bundle, size = [], 0
            bundle.append(document)
            size += len(document)
    if bundle:
        yield bundle
