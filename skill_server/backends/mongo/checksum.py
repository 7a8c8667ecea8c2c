"""Content checksums of collections: keyed by `_id`, free of order, one sum for each field, nothing decoded.

Every value enters as blake2b over its document's raw `_id`, its BSON type and its raw bytes, added modulo 2^128: two
documents that swap values, a value of another type and a lost document all change a sum. The name of the field is left
out of the hash, so a renamed field keeps its sum. The pseudo field `(order)` covers the names and their order.

A field inside an embedded document that the name map gives a name has a sum of its own. That of the embedded document
is then over the rest of it, and an empty rest counts as none, because a change may have made it for that field.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from skill_server.backends.mongo import bson_walk, paths, raw
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.listing import Collection, listing
from skill_server.backends.mongo.reading import SnapshotLost, in_threads, read_whole, snapshot_session
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.receipt import Checksums, FieldChecksums

ORDER = "(order)"
DIGEST_BYTES = 16
MODULUS = 1 << (8 * DIGEST_BYTES)
# No BSON type has this number, so a document without `_id` (of a time series) is never taken for one that has it.
_NO_KEY = b"\x00"


class Tally:
    """The sums of one collection, fed with its documents in any order; `nested` are paths with a sum of their own."""

    def __init__(self, nested: Sequence[str] = ()) -> None:
        self.records = 0
        self._nested = nested
        self._order = 0
        self._sums: dict[bytes, int] = {}

    def add_batch(self, batch: bytes) -> None:
        """Add every document of a concatenation.

        Raises:
            Malformed: it is not BSON.
        """
        for document in bson_walk.documents(batch):
            self.add(document)

    def add(self, document: bytes) -> None:
        """Add one document."""
        found = list(bson_walk.fields(document))
        key = next((bytes((kind,)) + value for name, kind, value in found if name == b"_id"), _NO_KEY)
        inner = {path: raw.find(document, path) for path in self._nested}
        rest = bson_walk.fields(paths.without(document, self._nested)) if self._nested else iter(found)
        for name, kind, value in rest:
            self._sums[name] = self._sums.get(name, 0) + _hash(key + bytes((kind,)) + value)
        for path, held in inner.items():
            if held is not None:
                content = key + bytes((held.value.kind,)) + held.value.data
                self._sums[path.encode()] = self._sums.get(path.encode(), 0) + _hash(content)
        names = [name for name, _, _ in found]
        # BSON lets a name come twice; sums by name would not see such values change places.
        repeated = document if len(set(names)) < len(names) else b""
        places = [f"{path} {held.position}".encode() for path, held in inner.items() if held is not None]
        self._order += _hash(b"\x00".join((key, *names, repeated, *places)))
        self.records += 1

    def result(self, entity: str, names: NameMap) -> FieldChecksums:
        """Return the sums by logical field name."""
        sums: dict[str, int] = {ORDER: self._order} if self.records else {}
        for native, total in self._sums.items():
            text = native.decode("utf-8", "backslashreplace")
            field = names.logical_field(entity, text, BackendKind.MONGODB)
            sums[field] = sums.get(field, 0) + total
        return FieldChecksums(
            records=self.records,
            fields={
                field: f"{total % MODULUS:0{2 * DIGEST_BYTES}x}" for field, total in sorted(sums.items())
            },
        )


def _hash(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=DIGEST_BYTES).digest(), "little")


async def checksums(
    connections: Connections, names: NameMap, entities: Sequence[str] | None = None
) -> Checksums:
    """Read every document (of these entities) and return the sums, all of one moment where the server isolates.

    An entity asked for that does not exist counts as empty, as MongoDB itself has it. Views are left out.
    """
    found = await listing(connections)
    wanted = [item for item in found if item.holds_documents and _is_asked(item, names, entities)]
    try:
        result = await _read(connections, names, wanted, isolated=bool(wanted))
    except SnapshotLost:
        result = await _read(connections, names, wanted, isolated=False)
    views = {entity_of(item.name, names) for item in found if not item.holds_documents}
    for entity in entities or ():
        if entity not in result and entity not in views:
            result[entity] = FieldChecksums(records=0, fields={})
    return Checksums(entities=dict(sorted(result.items())))


async def _read(
    connections: Connections, names: NameMap, wanted: Sequence[Collection], *, isolated: bool
) -> dict[str, FieldChecksums]:
    if not isolated:
        return {entity_of(item.name, names): await _sums(connections, names, item) for item in wanted}
    async with snapshot_session(connections) as session:
        return {
            entity_of(item.name, names): await _sums(connections, names, item, session) for item in wanted
        }


async def _sums(
    connections: Connections, names: NameMap, item: Collection, session: object = None
) -> FieldChecksums:
    async def take(tally: Tally, batch: bytes) -> None:
        await in_threads(batch, tally.add_batch)

    nested = names.nested_fields(entity_of(item.name, names), BackendKind.MONGODB)
    tally = await read_whole(connections, item.name, lambda: Tally(nested), take, session=session)
    return tally.result(entity_of(item.name, names), names)


def entity_of(collection: str, names: NameMap) -> str:
    """Return the logical name of a collection."""
    return names.logical_entity(collection, BackendKind.MONGODB)


def _is_asked(item: Collection, names: NameMap, entities: Sequence[str] | None) -> bool:
    return entities is None or entity_of(item.name, names) in entities
