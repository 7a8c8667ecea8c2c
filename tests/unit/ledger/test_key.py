"""The key of the chain is private or it is not used."""

import os
from pathlib import Path

import pytest

from skill_server.errors import Refused
from skill_server.ledger.key import read_key


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """A second server reads the same key."""
    path = tmp_path / "new" / "ledger.key"
    assert read_key(path) == read_key(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Whoever reads the key can forge receipts."""
    path = tmp_path / "ledger.key"
    read_key(path)
    path.chmod(0o644)
    with pytest.raises(Refused, match="can be read by others"):
        read_key(path)


def test_a_key_behind_a_link_is_refused(tmp_path: Path) -> None:
    """A link could point at a file the attacker wrote."""
    real = tmp_path / "real"
    real.write_bytes(b"k" * 32)
    real.chmod(0o600)
    (tmp_path / "ledger.key").symlink_to(real)
    with pytest.raises(Refused):
        read_key(tmp_path / "ledger.key")


def test_a_key_of_another_length_is_refused(tmp_path: Path) -> None:
    """A truncated key file is damage, not a key."""
    path = tmp_path / "ledger.key"
    path.touch(mode=0o600)
    os.truncate(path, 5)
    with pytest.raises(Refused, match="32 bytes"):
        read_key(path)
