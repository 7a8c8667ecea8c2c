"""Content checksums of MongoDB: what must change them and what must not."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Int64

from skill_server.backends.mongo.backup.reading import BATCH_DOCUMENTS
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.verify.checksum import ORDER, checksums
from skill_server.errors import Failed
from skill_server.model.ids import BackendKind
from skill_server.model.names import EntityNames, NameMap
from skill_server.model.receipt import FieldChecksums
from tests.contract.mongo.faults import lost_cursors

NAMES = NameMap()


async def sums_of(connections: Connections, documents: list[dict[str, Any]]) -> FieldChecksums:
    """Return the checksums of a collection that holds exactly these documents."""
    await connections.db()["items"].drop()
    await connections.db()["items"].insert_many(documents)
    return (await checksums(connections, NAMES)).entities["items"]


async def changed_fields(
    connections: Connections, before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> set[str]:
    """Return the fields whose sums differ between two contents."""
    first, second = await sums_of(connections, before), await sums_of(connections, after)
    return {
        name
        for name in first.fields.keys() | second.fields.keys()
        if first.fields.get(name) != second.fields.get(name)
    }


async def test_the_order_of_documents_does_not_matter(connections: Connections) -> None:
    """A restored collection may lie in another order on the disk."""
    documents = [{"_id": key, "a": key} for key in range(300)]

    assert await sums_of(connections, documents) == await sums_of(connections, documents[::-1])


async def test_two_documents_that_swap_values_are_noticed(connections: Connections) -> None:
    """A sum without the key would be blind to it."""
    before = [{"_id": 1, "a": "x", "b": 1}, {"_id": 2, "a": "y", "b": 1}]
    after = [{"_id": 1, "a": "y", "b": 1}, {"_id": 2, "a": "x", "b": 1}]

    assert await changed_fields(connections, before, after) == {"a"}


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 1.0), (1, Int64(1)), (1.0, Int64(1)), (None, ...), ("", None), (0.0, -0.0), ([], {}), (False, 0)],
    ids=str,
)
async def test_values_that_compare_equal_but_are_not_the_same_are_noticed(
    connections: Connections, before: Any, after: Any
) -> None:
    """Applications tell an integer from a double and null from missing, even where queries do not."""
    with_before: dict[str, Any] = {"_id": 1, "a": before}
    with_after: dict[str, Any] = {"_id": 1} if after is ... else {"_id": 1, "a": after}

    assert "a" in await changed_fields(connections, [with_before], [with_after])


async def test_the_order_of_fields_is_noticed_and_no_value_is_blamed(connections: Connections) -> None:
    """In BSON the order is part of a document, and a retired field must come back to its place."""
    before, after = [{"_id": 1, "a": 1, "b": 2}], [{"_id": 1, "b": 2, "a": 1}]

    assert await changed_fields(connections, before, after) == {ORDER}


async def test_a_changed_order_inside_an_embedded_document_is_noticed(connections: Connections) -> None:
    """An embedded value is compared byte for byte."""
    before, after = [{"_id": 1, "a": {"x": 1, "y": 2}}], [{"_id": 1, "a": {"y": 2, "x": 1}}]

    assert await changed_fields(connections, before, after) == {"a"}


async def test_two_lost_documents_with_equal_content_are_noticed(connections: Connections) -> None:
    """Equal values must not cancel each other out."""
    kept = {"_id": 1, "a": 1}
    before, after = [kept, {"_id": 2, "a": 7}, {"_id": 3, "a": 7}], [kept]

    assert await changed_fields(connections, before, after) == {"_id", "a", ORDER}
    assert (await sums_of(connections, after)).records == 1


async def test_a_renamed_field_keeps_its_sum(connections: Connections) -> None:
    """That a rename lost nothing is then proven by comparing the old name's sum with the new name's."""
    before = await sums_of(connections, [{"_id": 1, "a": "x"}])
    after = await sums_of(connections, [{"_id": 1, "b": "x"}])

    assert before.fields["a"] == after.fields["b"]


async def test_names_are_logical_and_what_is_asked_for_is_all_that_is_read(connections: Connections) -> None:
    """The core compares both databases by its own names."""
    names = NameMap(
        entities={
            "types": EntityNames(
                postgres="item_types", mongodb="type", fields={"label": {BackendKind.MONGODB: "Name"}}
            )
        }
    )
    await connections.db()["type"].insert_one({"_id": 1, "Name": "x"})
    await connections.db()["items"].insert_one({"_id": 1})

    found = await checksums(connections, names, ["types", "absent"])

    assert set(found.entities) == {"types", "absent"}
    assert set(found.entities["types"].fields) == {"_id", "label", ORDER}
    assert found.entities["absent"] == FieldChecksums(records=0, fields={})


async def test_views_and_the_products_own_collections_are_left_out(connections: Connections) -> None:
    """A view stores nothing, and the ledger grows by what is proven about the rest."""
    database = connections.db()
    await database["items"].insert_one({"_id": 1})
    await database.command({"create": "seen", "viewOn": "items", "pipeline": []})
    await database["database_migration.event"].insert_one({"_id": 1})
    await database["database_migration.lock"].insert_one({"_id": 1})

    assert set((await checksums(connections, NAMES)).entities) == {"items"}


async def test_a_cursor_lost_once_changes_no_sum(connections: Connections) -> None:
    """Reading begins anew, and nothing is counted twice or left out."""
    documents = [{"_id": key, "a": key} for key in range(BATCH_DOCUMENTS + 500)]
    expected = await sums_of(connections, documents)

    async with lost_cursors(connections, times=1):
        found = await checksums(connections, NAMES)

    assert found.entities["items"] == expected


async def test_a_cursor_lost_every_time_is_an_error(connections: Connections) -> None:
    """A sum of a part would look like any other sum."""
    await sums_of(connections, [{"_id": key} for key in range(BATCH_DOCUMENTS + 500)])

    async with lost_cursors(connections, times=3):
        with pytest.raises(Failed) as raised:
            await checksums(connections, NAMES)

    assert raised.value.code == "cursor-lost"
