"""Looking for documents that break their validator, or name a document that is not there.

MongoDB asks a validator only when a document is written, and watches over no reference at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skill_server.backends.base import Defect, ReferenceAsked
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.documents import raw
from skill_server.backends.mongo.failures import capped, wrapped
from skill_server.backends.mongo.operations.operations import FindOrphans
from skill_server.backends.mongo.schema.listing import Collection, is_kept, listing
from skill_server.backends.mongo.verify.orphans import orphans
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap

MOST_KEYS = 10


async def defects(
    connections: Connections, names: NameMap, *, deep: bool, references: Sequence[ReferenceAsked] = ()
) -> tuple[Defect, ...]:
    """Return which documents are wrong; nothing of that can be told without reading them, so only where `deep`."""
    if not deep:
        return ()
    collections = {item.name: item for item in await listing(connections) if not is_kept(item.name)}
    found = [await _violations(connections, names, item) for item in collections.values()]
    found += [await _orphans(connections, names, item, collections) for item in references]
    return tuple(item for item in found if item is not None)


async def _violations(connections: Connections, names: NameMap, item: Collection) -> Defect | None:
    rules = item.options.get("validator")
    if not rules or not item.holds_documents:
        return None
    count, keys = 0, list[str]()
    with wrapped(f"asking the validator of {item.name}"):
        # What a validator admits is what a query with its words finds (manual, "Query for and Modify Valid or
        # Invalid Documents").
        async for document in connections.raw(item.name).find({"$nor": [rules]}, {"_id": 1}):
            count += 1
            if len(keys) < MOST_KEYS:
                keys.append(capped(raw.key_text(raw.require(document.raw, "_id"))))
    if not count:
        return None
    level, action = (
        item.options.get("validationLevel", "strict"),
        item.options.get("validationAction", "error"),
    )
    strict = (level, action) == ("strict", "error")
    lenient = "" if strict else f" (validationLevel {level}, validationAction {action})"
    return Defect(
        check="rule_violations",
        entity=names.logical_entity(item.name, BackendKind.MONGODB),
        field=None,
        message=f"records break the validator{lenient}",
        help="Correct these records, or change the validator by a migration.",
        records=count,
        keys=tuple(keys),
        tolerated=not strict,
    )


async def _orphans(
    connections: Connections,
    names: NameMap,
    reference: ReferenceAsked,
    collections: dict[str, Collection],
) -> Defect | None:
    question = _question(names, reference)
    # Without the other collection every reference leads nowhere.
    if question.collection not in collections:
        return None
    with wrapped(f"looking for references of {question.collection} that lead nowhere"):
        seen = [key async for key in orphans(connections, question)]
        # Both sides are read one after the other, so what a second look does not find was being written.
        still = {key async for key in orphans(connections, question)} if seen else set[raw.Value]()
    lasting = [key for key in seen if key in still]
    if not lasting:
        return None
    return Defect(
        check="references",
        entity=reference.entity,
        field=reference.field,
        message=f"records name a record of {reference.references} that is not there",
        help=f"Add the missing records of {reference.references}, or correct the field.",
        records=len(lasting),
        keys=tuple(capped(raw.key_text(key)) for key in lasting[:MOST_KEYS]),
    )


def _question(names: NameMap, reference: ReferenceAsked) -> FindOrphans:
    def field(entity: str, name: str) -> Any:
        return names.native_field(entity, name, BackendKind.MONGODB)

    return FindOrphans(
        collection=names.native_entity(reference.entity, BackendKind.MONGODB),
        field=field(reference.entity, reference.field),
        references=names.native_entity(reference.references, BackendKind.MONGODB),
        references_field=field(reference.references, reference.references_field),
    )
