"""The migration lock: one holder, a lease that runs out, and work that stops when it is lost."""

from __future__ import annotations

import asyncio

import pytest

from skill_server.backends.mongo.connection import Connections
from skill_server.backends.mongo.run import lock
from skill_server.errors import Conflict, InDoubt

OWNER = {"host": "here", "pid": "1"}
OTHER = {"host": "there", "pid": "2"}


async def epoch(connections: Connections) -> int:
    """Return how many owners the lock has had."""
    return (await connections.db()[lock.COLLECTION].find_one({"_id": lock.LOCK}))["epoch"]


async def test_a_second_owner_is_told_who_holds_the_lock(connections: Connections) -> None:
    """Two runs at once would undo each other's steps."""
    async with lock.hold(connections, OWNER):
        with pytest.raises(Conflict, match="host here, pid 1") as refusal:
            async with lock.hold(connections, OTHER):
                pytest.fail("two owners at once")
        assert refusal.value.code == "lock-held"
    async with lock.hold(connections, OTHER):
        assert await epoch(connections) == 2


async def test_the_lock_is_kept_while_work_lasts_longer_than_a_lease(connections: Connections) -> None:
    """The heartbeat renews the lease, so a long backfill does not lose it."""
    async with lock.hold(connections, OWNER, lease_s=0.6):
        first = (await connections.db()[lock.COLLECTION].find_one({}))["until"]
        async with asyncio.timeout(10):
            while (await connections.db()[lock.COLLECTION].find_one({}))["until"] == first:
                pass
        with pytest.raises(Conflict):
            async with lock.hold(connections, OTHER):
                pytest.fail("two owners at once")


async def test_a_lease_that_ran_out_is_taken_over(connections: Connections) -> None:
    """A killed process must not hold the lock for ever."""
    async with lock.hold(connections, OWNER):
        expired = [{"$set": {"until": {"$subtract": ["$$NOW", 1000]}, "token": "of a dead process"}}]
        await connections.db()[lock.COLLECTION].update_one({"_id": lock.LOCK}, expired)
        async with lock.hold(connections, OTHER):
            assert await epoch(connections) == 2


async def test_work_stops_when_the_lease_is_lost(connections: Connections) -> None:
    """After another took over, every further write would be made twice."""

    async def work() -> None:
        async with lock.hold(connections, OWNER, lease_s=0.6):
            await connections.db()[lock.COLLECTION].delete_one({"_id": lock.LOCK})
            await asyncio.wait_for(asyncio.Event().wait(), 10)

    with pytest.raises(InDoubt) as lost:
        await work()
    assert lost.value.code == "lease-lost"


async def test_an_error_of_the_work_passes_through_and_frees_the_lock(connections: Connections) -> None:
    """The lock must not turn another failure into one of its own."""
    with pytest.raises(TimeoutError, match="of the work"):
        async with lock.hold(connections, OWNER):
            raise TimeoutError("of the work")
    async with lock.hold(connections, OTHER):
        pass
