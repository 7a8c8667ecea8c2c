"""Finalizing deletes what a migration hid, on both databases, and nothing else."""

from __future__ import annotations

import pytest

from skill_server.errors import Refused
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.plan import PlanKind
from skill_server.plan import build
from tests.lifecycle.catalogue import CHANGES, a_change
from tests.lifecycle.world import World

HIDING = {name: change for name, change in CHANGES.items() if list(change.finalize())}


async def kept(world: World) -> list[str]:
    """Name everything in which values are kept, on both databases."""
    columns = await world.value(
        "SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute "
        "WHERE attname LIKE '\\_retired\\_%' AND NOT attisdropped"
    )
    names = await world.mongodb.list_collection_names()
    return sorted([*columns, *(name for name in names if name.startswith(KEPT_NAME))])


@pytest.mark.parametrize("name", ["drop_field", "drop_field-unique", "retype_field-text-to-date"])
async def test_finalizing_deletes_the_kept_values_of_both_databases_and_touches_nothing_else(
    world: World, name: str
) -> None:
    """Deleting is a decision of its own, and it is about the hidden values alone."""
    await world.up(HIDING[name])
    assert len(await kept(world)) == 2
    up = await world.state()

    plan = await world.finalizing(HIDING[name])
    assert {step.backend for step in plan.steps if Hazard.DELETES_DATA in step.hazards} == set(BackendKind)
    await world.applied(plan)

    assert await kept(world) == []
    after = await world.state()
    assert after.checksums[BackendKind.MONGODB] == up.checksums[BackendKind.MONGODB]
    rows = after.checksums[BackendKind.POSTGRES].entities["items"].fields
    before = up.checksums[BackendKind.POSTGRES].entities["items"].fields
    gone = before.keys() - rows.keys()
    assert [field for field in gone if not field.startswith("_retired_")] == []
    assert {field: rows[field] for field in rows} == {field: before[field] for field in rows}


async def test_a_finalized_migration_has_no_way_back(world: World) -> None:
    """A way back from a deletion would be a lie; only the backup has the values."""
    change = a_change("drop_field", field="Facts")
    await world.up(change)
    plan = await world.finalizing(change)
    assert plan.kind is PlanKind.FINALIZE
    assert all(step.back is None for step in plan.steps)
    with pytest.raises(Refused) as refusal:
        build.downgrade(plan, source=plan.source, policy={})
    assert refusal.value.code == "no-way-back"
    assert refusal.value.next_tool == "restore_backup"


async def test_a_migration_that_hid_nothing_cannot_be_finalized(world: World) -> None:
    """Finalizing something else by mistake must not look like success."""
    with pytest.raises(Refused) as refusal:
        await world.finalizing(a_change("add_index", name="by_price", fields=("Price",)))
    assert refusal.value.code == "nothing-to-finalize"


async def test_only_the_migration_that_hid_a_field_can_delete_it(world: World) -> None:
    """Two migrations may hide a field of the same name one after the other."""
    change = a_change("drop_field", field="Facts")
    await world.up(change)
    with pytest.raises(Refused) as refusal:
        await world.finalizing(change, revision="20260102_other")
    assert refusal.value.code == "nothing-kept"
