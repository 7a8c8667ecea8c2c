"""Several servers write and read one ledger at the same time, and none is told of an error that is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from skill_server.application import detecting
from skill_server.application.application import Application
from skill_server.ledger.ledger import Ledger
from skill_server.model.receipt import EventKind
from tests.support.project import a_project

ENTRIES = 12


async def test_entries_written_at_the_same_moment_all_come_into_the_ledger(
    tmp_path: Path, postgres_database: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outcome must not be lost, or told as an error, because a status was asked or a detection made meanwhile."""
    async with a_project(tmp_path, postgres_database, mongo_database, monkeypatch) as (project, app):
        await detecting.detect_databases(app, None)
        other = Application(project.root)
        ledgers = [(await each.target(None)).ledger for each in (app, other)]
        begun = len(await ledgers[0].events())
        try:
            written = await asyncio.gather(
                *(ledgers[0].record(EventKind.DETECTION, bound={"ledger": "1"}) for _ in range(2)),
                _in_turn(ledgers[1], ENTRIES),
                *(_reading(ledgers[0]) for _ in range(2)),
            )
        finally:
            await other.close()
        assert len(written) == 5
        assert len(await ledgers[0].events()) == begun + 2 + ENTRIES


async def _in_turn(ledger: Ledger, times: int) -> None:
    for _ in range(times):
        await ledger.record(EventKind.DETECTION, bound={"ledger": "2"})


async def _reading(ledger: Ledger) -> None:
    for _ in range(ENTRIES * 2):
        await ledger.events()
