"""A restore that would fill the disk of the server is refused before it begins."""

from __future__ import annotations

import pytest

from skill_server.backends.mongo.backup.room import require_free
from skill_server.errors import Refused


def test_a_restored_copy_that_fits_passes() -> None:
    """What is free is what the file system has, less what is used."""
    require_free({"fsTotalSize": 100.0, "fsUsedSize": 40.0}, 60)


def test_a_restored_copy_that_does_not_fit_is_refused() -> None:
    """A full disk stops the server, and everyone who uses it."""
    with pytest.raises(Refused) as raised:
        require_free({"fsTotalSize": 100.0, "fsUsedSize": 40.0}, 61)

    assert raised.value.code == "restore-no-space"


def test_a_server_that_tells_nothing_of_its_disk_is_not_held_up() -> None:
    """Some servers that speak the protocol do not know how full their disk is."""
    require_free({"dataSize": 1}, 10**18)
