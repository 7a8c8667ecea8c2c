"""What was written to each collection since a dump: equal sums prove that nothing was, other sums say which fields.

MongoDB keeps no version of a document, so how many were changed cannot be told. What was added shows at least in part:
an ObjectId holds the second in which a client made it, by the client's clock.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.failures import wrapped
from skill_server.backends.mongo.schema.listing import VIEW, Collection, listing
from skill_server.backends.mongo.verify.checksum import checksums, entity_of
from skill_server.backends.replacing import Written
from skill_server.backends.sealing import Seal
from skill_server.model.names import NameMap
from skill_server.model.receipt import DumpResult, FieldChecksums

LONGEST_READ_S = 120
MOST_FIELDS = 5


async def written_since(connections: Connections, names: NameMap, dump: DumpResult) -> tuple[Written, ...]:
    """Say of each collection what was written since a dump; see `backends.base.Backend.written_since`.

    All documents are read within two minutes; after that everything counts as unknown.
    """
    then = dump.checksums.entities
    try:
        async with asyncio.timeout(LONGEST_READ_S):
            now = (await checksums(connections, names)).entities
            present = {
                entity_of(item.name, names): item
                for item in await listing(connections)
                if item.holds_documents
            }
            added = {
                entity: await _added(connections, item, dump.moment)
                for entity, item in present.items()
                if entity in now and now[entity] != then.get(entity)
            }
    except TimeoutError:
        return tuple(
            Written(
                entity=entity,
                records_then=sums.records,
                records_now=None,
                changed=None,
                how=f"the documents were not all read in {LONGEST_READ_S} s",
            )
            for entity, sums in sorted(then.items())
        )
    return tuple(
        _compared(entity, then.get(entity), now.get(entity), added.get(entity))
        for entity in sorted(then.keys() | now.keys())
    )


async def views_since(connections: Connections, directory: Path, seal: Seal | None) -> tuple[str, ...]:
    """Name the views that are not, or not like this, in the backup of a directory; see `Backend.views_since`."""
    listed = await asyncio.to_thread(layout.open_list, directory, seal)
    then = {
        item.name: layout.described_as(item.name, item.kind, item.described).options
        for item in listed.collections
        if item.kind == VIEW
    }
    return tuple(
        item.name
        for item in await listing(connections)
        if item.kind == VIEW and then.get(item.name) != item.options
    )


def _compared(
    entity: str, old: FieldChecksums | None, new: FieldChecksums | None, added: int | None
) -> Written:
    if old is None or new is None:
        found = new or FieldChecksums(records=0, fields={})
        return Written(
            entity=entity,
            records_then=0 if old is None else old.records,
            records_now=found.records,
            changed=found.records,
            how="it is not in the backup" if old is None else "it is there no longer",
        )
    if old == new:
        how, changed = "every value is equal, by content sums", 0
    else:
        fields = [name for name in sorted(old.fields.keys() | new.fields.keys()) if _differs(name, old, new)]
        listed = ", ".join(fields[:MOST_FIELDS]) + (", …" if len(fields) > MOST_FIELDS else "")
        how, changed = f"content sums differ in: {listed}", None
        if added:
            how += f"; at least {added} were added, by the creation time of _id"
    return Written(entity=entity, records_then=old.records, records_now=new.records, changed=changed, how=how)


def _differs(field: str, old: FieldChecksums, new: FieldChecksums) -> bool:
    return old.fields.get(field) != new.fields.get(field)


async def _added(connections: Connections, item: Collection, moment: datetime | None) -> int | None:
    """Count the documents whose ObjectId was made after a moment, or None where the moment is not known."""
    from bson import ObjectId

    if moment is None:
        return None
    # An ObjectId knows whole seconds, so the second of the dump itself is left out.
    later: dict[str, Any] = {"_id": {"$gte": ObjectId.from_datetime(moment + timedelta(seconds=1))}}
    with wrapped(f"counting what was added to {item.name}"):
        return await connections.db()[item.name].count_documents(later)
