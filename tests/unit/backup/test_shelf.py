"""A backup appears under its name whole and leaves it at once; what others keep beside it is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skill_server.backup import folder, shelf
from skill_server.backup.shelf import State
from skill_server.errors import Refused
from tests.unit.backup.samples import LABEL, TARGET, a_backup, a_manifest

OTHER = TARGET.model_copy(update={"ledger_id": "o" * 32})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return an empty private folder."""
    return folder.private_directory(tmp_path / "backups")


def label(number: int) -> str:
    """Return a label."""
    return f"20260101T000000Z-{number:08x}"


def test_a_backup_that_fails_leaves_nothing_under_any_name(place: Path) -> None:
    """Half a backup must not be found by anybody, and where the disk is full it would keep it full."""

    def half(taking: Path) -> None:
        (taking / "half").touch()
        assert [path.name for path in place.iterdir()] == [taking.name] != [LABEL]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), shelf.new(place, TARGET, LABEL) as taking:
        half(taking)

    assert list(place.iterdir()) == []


def test_folders_are_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    """F52: also those above, since whoever may write there could swap what is below."""
    mask = os.umask(0)
    try:
        directory = folder.private_directory(tmp_path / "a" / "b" / "backups")
        with shelf.new(directory, TARGET, LABEL) as taking:
            folder.new_directory(taking / "postgres")
        a_backup(directory, a_manifest(label(2)))
    finally:
        os.umask(mask)
    inside = [path for path in (tmp_path / "a").rglob("*") if path.is_dir()]

    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "a", *inside)} == {0o700}
    assert (directory / label(2) / "manifest.json").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_there_already_is_not_filled(place: Path) -> None:
    """Whoever made it may have put a link into it."""
    folder.new_directory(place / "taken")

    with pytest.raises(Refused) as refusal:
        folder.new_directory(place / "taken")

    assert refusal.value.code == "directory-not-private"


def test_a_sweep_removes_what_this_target_left_and_nothing_else(place: Path) -> None:
    """Another target may be taking its backup into the same folder at this moment."""
    a_backup(place, a_manifest(label(1)))
    a_backup(place, a_manifest(label(2)))
    a_backup(place, a_manifest(label(3), target=OTHER))
    for name in (f".taking-{TARGET.ledger_id}-{label(4)}", f".taking-{OTHER.ledger_id}-{label(5)}", "notes"):
        folder.new_directory(place / name)
    folder.new_directory(place / f".removing-{label(6)}")
    (place / "damaged").mkdir(mode=0o700)
    (place / "damaged" / "manifest.json").write_text("{}")
    swept = shelf.sweep(place, TARGET, proven={label(1): a_manifest(label(1)).digest})

    assert sorted(swept) == [label(2), label(4)]
    left = {path.name for path in place.iterdir()}
    assert left == {label(1), label(3), f".taking-{OTHER.ledger_id}-{label(5)}", "notes", "damaged"}


def test_a_sweep_does_not_follow_links(place: Path, tmp_path: Path) -> None:
    """A link in the folder must not lead the removal elsewhere."""
    elsewhere = folder.private_directory(tmp_path / "elsewhere")
    (elsewhere / "precious").touch()
    (place / f".removing-{label(1)}").symlink_to(elsewhere)
    (place / label(2)).symlink_to(elsewhere)
    shelf.sweep(place, TARGET, proven={})

    assert (elsewhere / "precious").exists()


def test_each_folder_is_told_by_what_it_is(place: Path) -> None:
    """A person who looks for a backup sees what may be put back and what may not."""
    a_backup(place, a_manifest(label(1)))
    a_backup(place, a_manifest(label(2)))
    a_backup(place, a_manifest(label(3), target=OTHER))
    folder.new_directory(place / label(4))
    a_backup(place, a_manifest(label(5))).rename(place / label(6))
    a_backup(place, a_manifest(label(7)))
    proven = {label(1): a_manifest(label(1)).digest, label(7): a_manifest(label(8)).digest}
    found = {each.label: each.state for each in shelf.listing(place, TARGET, proven=proven)}

    assert found == {
        label(1): State.PROVEN,
        label(2): State.UNPROVEN,
        label(3): State.OTHER_TARGET,
        label(4): State.UNFINISHED,
        label(6): State.DAMAGED,
        # The ledger knows the backup, and another manifest of it.
        label(7): State.DAMAGED,
    }
    assert shelf.listing(place / "nowhere", TARGET, proven={}) == ()


def test_a_removed_backup_is_out_of_sight_before_its_files_go(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash in between leaves something for the sweep, never half of a backup under its name."""
    a_backup(place, a_manifest())

    def die(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shelf.shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            shelf.remove(place, LABEL)
    assert not shelf.holds(place, LABEL)
    shelf.sweep(place, TARGET, proven={LABEL: a_manifest(LABEL).digest})

    assert list(place.iterdir()) == []
