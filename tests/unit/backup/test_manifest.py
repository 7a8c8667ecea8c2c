"""The manifest is what its schema says, older ones are still read, and damage is found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from skill_server.backup import manifest as manifests
from skill_server.errors import MigrationError, Refused
from skill_server.model.base import digest
from skill_server.model.ids import BackendKind
from tests.unit.backup.samples import a_backup, a_manifest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "backup-manifest.schema.json"


def test_the_published_schema_is_that_of_the_manifest() -> None:
    """Whoever restores by hand reads it; `UPDATE_GOLDEN=1` writes it anew, and the test then fails once."""
    wanted = manifests.schema()
    found = PAGE.read_text("utf-8") if PAGE.exists() else ""
    if os.environ.get("UPDATE_GOLDEN") and found != wanted:
        PAGE.write_text(wanted, "utf-8")

    assert found == wanted


def test_a_manifest_keeps_to_the_published_schema_and_comes_back_the_same(tmp_path: Path) -> None:
    """Its digest is in the ledger, so not a byte may depend on who reads it."""
    taken = a_manifest()
    place = a_backup(tmp_path, taken)
    jsonschema.validate(
        json.loads((place / manifests.MANIFEST_FILE).read_text()), json.loads(PAGE.read_text("utf-8"))
    )

    assert manifests.read(place) == taken
    assert manifests.read(place).digest == taken.digest
    assert (place / manifests.MANIFEST_FILE).stat().st_mode & 0o777 == 0o600


def older(taken: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest as the first format had it."""
    first = {
        key: taken[key] for key in ("label", "target", "began_at", "ended_at", "servers", "dumps", "applied")
    }
    for dump in first["dumps"].values():
        for key in ("moment", "sizes", "since"):
            dump.pop(key, None)
        for part in dump["parts"]:
            part.setdefault("records", None)
    return first


def test_a_manifest_of_the_first_format_is_read_and_keeps_its_digest(tmp_path: Path) -> None:
    """The ledger holds the digest that the older product computed, over the fields that it knew."""
    first = older(a_manifest().model_dump(mode="json"))
    (tmp_path / manifests.MANIFEST_FILE).write_text(json.dumps(first))
    tmp_path.chmod(0o700)
    found = manifests.read(tmp_path)

    assert found.digest == digest(first)
    assert (found.format, found.sealed, found.spread_s, found.fence) == (1, None, None, None)


def test_a_manifest_of_a_later_format_is_not_guessed_at(tmp_path: Path) -> None:
    """An older product must not restore what it does not understand."""
    (tmp_path / manifests.MANIFEST_FILE).write_text(json.dumps({**a_manifest().content, "format": 3}))
    tmp_path.chmod(0o700)

    with pytest.raises(MigrationError) as refusal:
        manifests.read(tmp_path)

    assert refusal.value.code == "backup-damaged"


def test_the_spread_says_how_far_the_two_halves_lie_apart() -> None:
    """F45: a write between the moments is in one database's half and not in the other's."""
    earlier = datetime(2026, 1, 1, tzinfo=UTC)
    moments = {BackendKind.POSTGRES: earlier, BackendKind.MONGODB: earlier + timedelta(seconds=2.5)}
    taken = a_manifest(moments=moments)

    assert (taken.fence, taken.spread_s) == (earlier, 2.5)


def changed(place: Path) -> None:
    """Change a byte of a file and leave its size."""
    file = place / "postgres" / "dump"
    file.write_bytes(b"y" + file.read_bytes()[1:])


def longer(place: Path) -> None:
    """Add a byte to a file."""
    file = place / "postgres" / "dump"
    file.write_bytes(file.read_bytes() + b"x")


def absent(place: Path) -> None:
    """Remove a file."""
    (place / "postgres" / "dump").unlink()


def linked(place: Path) -> None:
    """Put a link to the same content in a file's place."""
    file = place / "postgres" / "dump"
    file.rename(place.parent / "moved")
    file.symlink_to(place.parent / "moved")


def folder_linked(place: Path) -> None:
    """Put a link to the same content in the place of the folder above a file."""
    folder = place / "mongodb" / "shop"
    folder.rename(place.parent / "moved")
    folder.symlink_to(place.parent / "moved")


@pytest.mark.parametrize("spoil", [changed, longer, absent, linked, folder_linked])
def test_a_file_that_is_not_what_was_written_is_found(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """A link is not followed even if what it leads to is the same: it may lead elsewhere a moment later."""
    taken = a_manifest()
    place = a_backup(tmp_path, taken)
    assert manifests.damage(taken, place) == ()
    spoil(place)

    assert manifests.damage(taken, place)


def opened(place: Path) -> None:
    """Let others read the folder."""
    place.chmod(0o755)


def swapped(place: Path) -> None:
    """Put a link in the place of the folder."""
    place.rename(place.parent / "moved")
    place.symlink_to(place.parent / "moved")


@pytest.mark.parametrize("spoil", [opened, swapped])
def test_a_folder_that_is_not_the_owners_alone_is_not_read(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """F52: what others can swap proves nothing, however well it hashes."""
    taken = a_manifest()
    place = a_backup(tmp_path, taken)
    spoil(place)

    for look in (lambda: manifests.read(place), lambda: manifests.damage(taken, place)):
        with pytest.raises(Refused) as refusal:
            look()
        assert refusal.value.code == "directory-not-private"
