"""Long calls are remembered for as long as they run, and told as they ended."""

from __future__ import annotations

import pytest

from skill_server.application.operations import REMEMBERED, Operations
from skill_server.backends.base import no_progress


async def test_a_running_call_is_not_forgotten_for_many_short_ones() -> None:
    """A refused call that is tried again and again must not break the progress of a long one."""
    operations = Operations()
    async with operations.run("run_upgrade", "development", no_progress) as (long, report):
        for _ in range(REMEMBERED + 1):
            async with operations.run("backup", "development", no_progress):
                pass
        await report(1, 2, "half")
        assert operations.get(long).share == 50
    assert len(operations.all()) <= REMEMBERED + 1


async def test_a_call_that_broke_is_not_told_as_ended() -> None:
    """Whoever asks later must not take a crash for success."""
    operations = Operations()
    with pytest.raises(OSError, match="gone"):
        async with operations.run("run_upgrade", "development", no_progress):
            raise OSError("gone")
    assert [operation.state for operation in operations.all()] == ["interrupted"]
