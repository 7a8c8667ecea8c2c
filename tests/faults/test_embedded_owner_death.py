"""Embedded servers whose owner was killed: they end, or the next start ends them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from skill_server.embedded import embedded_pair, process
from tests.support.pairs import all_gone, another_owner, ask, folder_for_pairs, pids


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for pairs."""
    with folder_for_pairs() as folder:
        yield folder


async def test_servers_end_with_an_owner_that_is_killed(home: Path) -> None:
    """Nobody cleans up after `kill -9`, so the servers have to notice by themselves."""
    async with another_owner(str(home / "pair")) as (owner, directory):
        processes = pids(directory)
        owner.kill()
        await owner.wait()
        await all_gone(processes, directory)

    async with embedded_pair(home / "pair", durable=False) as pair:
        assert await ask(pair.postgres_url, "SELECT 1") == 1


async def test_orphans_are_stopped_by_the_next_start(home: Path) -> None:
    """Where owner and keeper are killed together, servers stay behind and hold the data directory."""
    async with another_owner(str(home / "pair")) as (owner, directory):
        keeper, *orphans = pids(directory)
        os.kill(keeper, signal.SIGKILL)
        owner.kill()
        await owner.wait()
    assert all(process.runs(pid, str(directory)) for pid in orphans)

    try:
        async with embedded_pair(home / "pair", durable=False) as pair:
            assert not any(process.runs(pid, str(directory)) for pid in orphans)
            assert await ask(pair.postgres_url, "SELECT 1") == 1
    finally:
        for pid in orphans:
            if process.runs(pid, str(directory)):
                os.kill(pid, signal.SIGKILL)


async def test_temporary_pairs_of_dead_owners_are_removed_by_the_next_start() -> None:
    """A crashed test run must not fill the disk or hold ports for ever."""
    async with another_owner() as (owner, directory):
        keeper, *orphans = pids(directory)
        os.kill(keeper, signal.SIGKILL)
        owner.kill()
        await owner.wait()
    assert directory.exists()

    async with embedded_pair(durable=False):
        assert not directory.exists()
        assert not any(process.runs(pid, str(directory)) for pid in orphans)
