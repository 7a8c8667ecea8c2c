"""What of a dump is on the disk, and when: a list that outlives a power cut must not name what does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skill_server.backends.mongo.backup import layout
from skill_server.backends.mongo.connection import Connections
from tests.contract.mongo.sample import dump_a_little


async def test_everything_that_the_list_names_is_on_the_disk_before_it(
    connections: Connections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the content of every file, then the folders with their names, then the list and its name."""
    sync, synced = os.fsync, list[int]()

    def noted(descriptor: int) -> None:
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", noted)
    await dump_a_little(connections, tmp_path)

    at = {inode: place for place, inode in enumerate(synced)}
    listed = at[(tmp_path / layout.LIST_FILE).stat().st_ino]
    for path in (tmp_path / layout.FOLDER).rglob("*"):
        if path.is_file():
            assert at[path.stat().st_ino] < at[path.parent.stat().st_ino] < listed, path
    assert at[tmp_path.stat().st_ino] > listed
