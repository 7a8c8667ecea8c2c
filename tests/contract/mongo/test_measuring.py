"""What a step costs on MongoDB is kept in its mark."""

from __future__ import annotations

from skill_server.model.action import BuildIndex, RenameField
from skill_server.model.measure import measures
from skill_server.model.snapshot import IndexKey
from tests.contract.mongo.undo import PLAN_UP, POLICY, place, steps


async def test_a_pass_over_documents_is_counted_with_its_batches(mongo_database: str) -> None:
    """The longest batch says how long a writer of the same documents may wait."""
    async with place(mongo_database) as here:
        await here.database["item"].insert_many([{"_id": i, "old": i} for i in range(25)])
        action = RenameField(entity="item", field="old", to="new")
        policy = POLICY.model_copy(update={"batch_records": 10})
        await here.backend.run(PLAN_UP, steps(action, await here.pieces(action)), policy)
        found = measures(await here.backend.journal.marks(PLAN_UP))

    (moved,) = [measure for measure in found.values() if measure.batches]
    assert moved.records == 25
    assert moved.batches >= 3
    assert 0 < moved.longest_batch_s <= moved.seconds
    assert moved.locks == ()
    assert moved.wal_bytes is None


async def test_an_index_build_is_timed(mongo_database: str) -> None:
    """It goes over every document, though it writes none."""
    async with place(mongo_database) as here:
        await here.database["item"].insert_one({"_id": 1, "old": 1})
        action = BuildIndex(entity="item", name="by_old", keys=(IndexKey(field="old"),))
        await here.backend.run(PLAN_UP, steps(action, await here.pieces(action)), POLICY)
        found = measures(await here.backend.journal.marks(PLAN_UP))

    assert found
    assert all(measure.seconds > 0 and measure.records is None for measure in found.values())
