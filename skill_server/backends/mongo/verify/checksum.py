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

from skill_server.backends.mongo.backup.reading import (
    SnapshotLost,
    Turns,
    in_threads,
    read_whole,
    snapshot_session,
)
from skill_server.backends.mongo.backup.together import together
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import bson_walk, paths, raw
from skill_server.backends.mongo.documents.shapes import DIGEST_BYTES, Shape, Shapes
from skill_server.backends.mongo.schema.listing import Collection, listing
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.receipt import Checksums, FieldChecksums

ORDER = "(order)"
MODULUS = 1 << (8 * DIGEST_BYTES)
# No BSON type has this number, so a document without `_id` (of a time series) is never taken for one that has it.
_NO_KEY = b"\x00"
# Where every document has names of its own, shapes must not fill the memory.
HELD_FIELDS = 100_000


class Tally:
    """The sums of one collection, fed with its documents in any order; `nested` are paths with a sum of their own."""

    def __init__(self, nested: Sequence[str] = ()) -> None:
        self.records = 0
        self._nested = nested
        self._order = 0
        self._sums: dict[bytes, int] = {}
        self._shapes = Shapes()

    def add_batch(self, batch: bytes) -> None:
        """Add every document of a concatenation.

        Raises:
            Malformed: it is not BSON.
        """
        for document in bson_walk.documents(batch):
            self.add(document)

    def add(self, document: bytes) -> None:
        """Add one document.

        Raises:
            Malformed: it is not BSON.
        """
        if self._shapes.held > HELD_FIELDS:
            self._settle()
        path, values = self._shapes.walk(document)
        shape = path.shape or self._shapes.shape(path)
        key = _NO_KEY if shape.id_at is None else values[shape.id_at]
        order = shape.order + document if shape.repeats else shape.order
        if self._nested:
            shape, values, order = self._parted(document, order)
        # A copy that has taken in the key already costs less than hashing it with every value.
        keyed = blake2b(key, digest_size=DIGEST_BYTES).copy
        digests: list[bytes] = []
        for content in (*values, order):
            hashing = keyed()
            hashing.update(content)
            digests.append(hashing.digest())
        shape.add(digests)
        self.records += 1

    def _parted(self, document: bytes, order: bytes) -> tuple[Shape, list[bytes], bytes]:
        """Return shape, values and order of a document with the nested fields taken out and put at its end."""
        path, values = self._shapes.walk(paths.without(document, self._nested))
        for name in self._nested:
            found = raw.find(document, name)
            if found is not None:
                kind = bytes((found.value.kind,))
                path = self._shapes.after(path, kind + name.encode() + b"\x00")
                values.append(kind + found.value.data)
                order += f"\x00{name} {found.position}".encode()
        return self._shapes.shape(path), values, order

    def _settle(self) -> None:
        """Bring the sums of all shapes together by name, and forget the shapes."""
        for shape in self._shapes.forget():
            if not shape.total:
                # The documents of this shape were summed in parts, under the shape of the parts.
                continue
            *found, order = shape.sums()
            self._order += order
            for name, total in zip(shape.names, found, strict=True):
                self._sums[name] = self._sums.get(name, 0) + total

    def result(self, entity: str, names: NameMap) -> FieldChecksums:
        """Return the sums by logical field name."""
        self._settle()
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
        return await _all_sums(connections, names, wanted, Turns())
    async with snapshot_session(connections) as session:
        return await _all_sums(connections, names, wanted, Turns(session))


async def _all_sums(
    connections: Connections, names: NameMap, wanted: Sequence[Collection], turns: Turns
) -> dict[str, FieldChecksums]:
    result: dict[str, FieldChecksums] = {}

    async def sum_up(item: Collection) -> None:
        result[entity_of(item.name, names)] = await _sums(connections, names, item, turns)

    await together(sum_up, wanted, at_once=turns.workers)
    return result


async def _sums(connections: Connections, names: NameMap, item: Collection, turns: Turns) -> FieldChecksums:
    async def take(tally: Tally, batch: bytes) -> None:
        await in_threads(batch, tally.add_batch)

    nested = names.nested_fields(entity_of(item.name, names), BackendKind.MONGODB)
    tally = await read_whole(connections, item.name, lambda: Tally(nested), take, turns=turns)
    return tally.result(entity_of(item.name, names), names)


def entity_of(collection: str, names: NameMap) -> str:
    """Return the logical name of a collection."""
    return names.logical_entity(collection, BackendKind.MONGODB)


def _is_asked(item: Collection, names: NameMap, entities: Sequence[str] | None) -> bool:
    return entities is None or entity_of(item.name, names) in entities
