"""The schemas that golden plans are made for are what real servers answer, not what somebody imagined."""

from __future__ import annotations

import json
import os

import pytest

from skill_server.model.ids import BackendKind
from skill_server.model.snapshot import Snapshot
from tests.golden.plans import BEFORE, NAMES, schemas
from tests.lifecycle.shop import fill
from tests.lifecycle.world import a_world


async def test_the_schemas_of_the_golden_plans_are_real(postgres_database: str, mongo_database: str) -> None:
    """A plan for a schema that no server ever told would prove nothing."""
    async with a_world(postgres_database, mongo_database, NAMES) as world:
        await fill(world)
        await world.execute('CREATE VIEW item_names AS SELECT "ItemID", "ItemName" FROM items')
        found = await world.pair.inspect()
    if os.environ.get("UPDATE_GOLDEN"):
        text = {kind: without_chance(snapshot).model_dump(mode="json") for kind, snapshot in found.items()}
        BEFORE.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n")
        pytest.fail("wrote the schemas anew; look at the difference")
    for kind, snapshot in schemas().items():
        # Servers of another version spell some definitions and dependents in another way.
        for mine, theirs in zip(snapshot.entities, found[kind].entities, strict=True):
            assert (mine.name, mine.key) == (theirs.name, theirs.key)
            assert mine.fields == theirs.fields
            assert mine.indexes == theirs.indexes


def without_chance(snapshot: Snapshot) -> Snapshot:
    """Leave out what differs from run to run: sizes and the digest of a version's spelling."""
    entities = tuple(
        entity.model_copy(update={"size_bytes": 0, "records": 8}) for entity in snapshot.entities
    )
    return snapshot.model_copy(update={"entities": entities, "fingerprint": f"golden-{snapshot.backend}"})


def test_golden_schemas_cover_both_databases() -> None:
    """A plan for one half is not a plan."""
    assert set(schemas()) == set(BackendKind)
