"""How much room a backup may need is known before it begins."""

from __future__ import annotations

from pathlib import Path

from tests.contract.cases.ground import Ground


async def test_a_backup_needs_no_more_room_than_was_said(ground: Ground, tmp_path: Path) -> None:
    """A forecast that is too small lets a backup begin that fills the disk."""
    place = tmp_path / "backup"
    place.mkdir(mode=0o700)
    said = await ground.backend.backup_bytes()
    dumped = await ground.backend.dump(place)

    assert 0 < sum(part.size_bytes for part in dumped.parts) <= said
