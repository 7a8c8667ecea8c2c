"""Documents that break their validator or refer to nothing are found, and healthy ones are left in peace."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64

from skill_server.backends.base import ReferenceAsked
from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.verify.defects import defects
from skill_server.model.ids import BackendKind
from skill_server.model.names import EntityNames, NameMap

NAMES = NameMap(
    entities={
        "things": EntityNames(
            postgres="things", mongodb="thing", fields={"maker": {BackendKind.MONGODB: "MakerID"}}
        )
    }
)
RULES: dict[str, Any] = {
    "$jsonSchema": {"required": ["n"], "properties": {"n": {"bsonType": "int", "minimum": 1}}}
}
OF_MAKERS = ReferenceAsked(entity="things", field="maker", references="makers", references_field="id")


async def past_the_validator(connections: Connections, **options: str) -> None:
    """Write as somebody who switched validation off for a while, and leave it with these options."""
    database = connections.db()
    await database.create_collection("thing", validator=RULES)
    await database["thing"].insert_one({"_id": "good", "n": 1})
    await database.command({"collMod": "thing", "validationLevel": "off"})
    await database["thing"].insert_many([{"_id": "text", "n": "x"}, {"_id": "none"}, {"_id": "low", "n": 0}])
    await database.command({"collMod": "thing", "validator": RULES, "validationLevel": "strict", **options})


async def test_documents_that_came_past_the_validator_are_counted(connections: Connections) -> None:
    """Nothing tells them until the application writes one of them again and is refused."""
    await past_the_validator(connections)

    (defect,) = await defects(connections, NAMES, deep=True)

    assert (defect.check, defect.entity, defect.records) == ("rule_violations", "things", 3)
    assert sorted(defect.keys) == ["low", "none", "text"]
    assert not defect.tolerated


@pytest.mark.parametrize("options", [{"validationLevel": "moderate"}, {"validationAction": "warn"}])
async def test_what_a_lenient_validator_bears_is_told_as_such(
    connections: Connections, options: dict[str, str]
) -> None:
    """Somebody decided to put up with these documents."""
    await past_the_validator(connections, **options)

    (defect,) = await defects(connections, NAMES, deep=True)

    assert defect.tolerated
    assert next(iter(options.values())) in defect.message


async def test_a_validator_of_query_operators_is_asked_too(connections: Connections) -> None:
    """Not every validator is a schema."""
    await connections.db().create_collection("old")
    await connections.db()["old"].insert_many([{"_id": 1, "size": 3}, {"_id": 2, "size": 7}])
    await connections.db().command({"collMod": "old", "validator": {"size": {"$lt": 5}}})

    (defect,) = await defects(connections, NAMES, deep=True)

    assert (defect.entity, defect.keys) == ("old", ("2",))


async def test_a_reference_that_leads_nowhere_is_found_under_its_own_names(connections: Connections) -> None:
    """Nobody watches over references in MongoDB; numbers of other types are the same number."""
    await connections.db()["makers"].insert_many([{"_id": 1, "id": 1}, {"_id": 2, "id": Int64(2)}])
    await connections.db()["thing"].insert_many(
        [
            {"_id": 1, "MakerID": 1.0},
            {"_id": 2, "MakerID": Decimal128("2")},
            {"_id": 3, "MakerID": None},
            {"_id": 4},
            {"_id": 5, "MakerID": 3},
        ]
    )

    (defect,) = await defects(connections, NAMES, deep=True, references=[OF_MAKERS])

    assert (defect.check, defect.entity, defect.field) == ("references", "things", "maker")
    assert (defect.records, defect.keys) == (1, ("5",))


async def test_without_its_parents_collection_every_reference_leads_nowhere(connections: Connections) -> None:
    """A collection that was dropped, and one that was emptied, are the same to whoever names its documents."""
    await connections.db()["thing"].insert_many(
        [{"_id": 1, "MakerID": 7}, {"_id": 2}, {"_id": 3, "MakerID": None}]
    )

    (dropped,) = await defects(connections, NAMES, deep=True, references=[OF_MAKERS])
    await connections.db().create_collection("makers")
    (emptied,) = await defects(connections, NAMES, deep=True, references=[OF_MAKERS])

    assert dropped == emptied
    assert (dropped.records, dropped.keys) == (1, ("1",))


async def test_the_quick_look_reads_no_document(connections: Connections) -> None:
    """All of these questions read whole collections."""
    await past_the_validator(connections)

    assert await defects(connections, NAMES, deep=False, references=[OF_MAKERS]) == ()
