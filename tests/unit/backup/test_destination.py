"""A backup at its destination is the one that was proven, or an error that tells no secret."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec  # pyright: ignore[reportMissingTypeStubs]
import pytest

from skill_server.backup import manifest as manifests
from skill_server.backup import shelf
from skill_server.backup.destination import Destination
from skill_server.errors import Failed, MigrationError, Refused
from tests.unit.backup.samples import FILES, LABEL, TARGET, a_backup, a_manifest


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty destination."""
    if request.param == "memory":
        return f"memory://{tmp_path.name}"
    return f"file://{tmp_path}/away"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return the folder of the backups, with one in it."""
    place = tmp_path / "backups"
    place.mkdir(mode=0o700)
    a_backup(place, a_manifest())
    return place


def copies(url: str) -> tuple[Any, str]:
    """Return the file system of a destination and the path of the one backup there."""
    library: Any = fsspec
    files, root = library.core.url_to_fs(url)
    return files, f"{root}/{TARGET.ledger_id}/{LABEL}"


def test_a_backup_that_was_shipped_comes_back_whole(url: str, here: Path) -> None:
    """The local copy is removed on the strength of the copy away, so every byte must come back."""
    taken = a_manifest()
    away = Destination(url, TARGET.ledger_id)
    away.ship(here, taken)
    assert away.labels() == (LABEL,)
    shelf.remove(here, LABEL)
    away.fetch(LABEL, taken.digest, here)

    assert manifests.read(here / LABEL) == taken
    assert manifests.damage(taken, here / LABEL) == ()
    modes = {path.stat().st_mode & 0o777 for path in (here / LABEL).rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_a_copy_on_this_machine_is_the_owners_alone(tmp_path: Path, here: Path) -> None:
    """It holds every value as well, and files there get whatever mode the library gives."""
    Destination(f"file://{tmp_path}/away", TARGET.ledger_id).ship(here, a_manifest())

    assert (tmp_path / "away").stat().st_mode & 0o777 == 0o700


def test_a_removed_copy_is_gone_and_others_stay(url: str, here: Path) -> None:
    """Retention removes by label, in the folder of one ledger."""
    other = a_manifest("20260101T000000Z-00000002")
    a_backup(here, other)
    away = Destination(url, TARGET.ledger_id)
    for taken in (a_manifest(), other):
        away.ship(here, taken)
    away.remove(LABEL)
    away.remove(LABEL)

    assert away.labels() == (other.label,)
    assert Destination(url, "another").labels() == ()


def changed(files: Any, at: str) -> None:
    """Change a byte of a file."""
    path = f"{at}/postgres/dump"
    files.pipe_file(path, b"y" + FILES[next(iter(FILES))]["dump"][1:])


def cut(files: Any, at: str) -> None:
    """Cut a file."""
    files.pipe_file(f"{at}/postgres/dump", b"x")


def absent(files: Any, at: str) -> None:
    """Remove a file."""
    files.rm(f"{at}/postgres/dump")


def another_manifest(files: Any, at: str) -> None:
    """Put the manifest of another backup there, which fits its own files."""
    files.pipe_file(f"{at}/manifest.json", manifests.encoded(a_manifest("20260101T000000Z-00000009")))


def no_manifest(files: Any, at: str) -> None:
    """Remove the manifest, as an interrupted removal leaves it."""
    files.rm(f"{at}/manifest.json")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (changed, "backup-damaged"),
        (cut, "backup-damaged"),
        (absent, "destination-not-reachable"),
        (another_manifest, "backup-damaged"),
        (no_manifest, "backup-unknown"),
    ],
)
def test_a_copy_that_is_not_what_was_proven_is_not_brought_back(
    url: str, here: Path, spoil: Callable[[Any, str], None], code: str
) -> None:
    """Whoever can write to the destination must not decide what is restored, and nothing of it is left here."""
    taken = a_manifest()
    away = Destination(url, TARGET.ledger_id)
    away.ship(here, taken)
    shelf.remove(here, LABEL)
    spoil(*copies(url))

    with pytest.raises(MigrationError) as refusal:
        away.fetch(LABEL, taken.digest, here)

    assert refusal.value.code == code
    assert list(here.iterdir()) == []


def test_a_copy_that_reads_back_differently_is_not_shipped(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A destination that takes every byte and keeps others is found before the backup counts."""
    taken = a_manifest()
    dumped = taken.files["postgres/dump"]
    monkeypatch.setattr(type(taken), "files", {"postgres/dump": (dumped[0], "0" * 64)})
    away = Destination("memory://lying", TARGET.ledger_id)

    with pytest.raises(Failed, match="another content") as failure:
        away.ship(here, taken)

    assert failure.value.code == "backup-not-shipped"
    with pytest.raises(Refused):
        away.fetch(LABEL, taken.digest, here)


def test_a_destination_without_room_is_told_without_its_address(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address may hold a token, and its library puts it into every message."""
    library: Any = fsspec

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "https://user:secret-token@host is full")

    away = Destination("memory://full", TARGET.ledger_id)
    monkeypatch.setattr(library.get_filesystem_class("memory"), "makedirs", full)
    with pytest.raises(Failed, match="No space left") as failure:
        away.ship(here, a_manifest())

    assert failure.value.code == "backup-not-shipped"
    assert "secret" not in f"{failure.value}{failure.value.__cause__}{failure.value.help}"


def test_an_address_that_nothing_can_open_is_refused_before_anything_runs() -> None:
    """A backup takes long, and its destination is known from the beginning."""
    with pytest.raises(Refused) as refusal:
        Destination("nothing-of-that-name://secret-token@host/x", TARGET.ledger_id)

    assert refusal.value.code == "destination-not-usable"
    assert "secret" not in str(refusal.value)


def test_a_destination_that_keeps_something_else_is_found_when_it_is_tried_out(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by `doctor` in a moment, and not after hours by the backup."""
    Destination(url, "probe").try_out()
    files = copies(url)[0].__class__

    def opened(*_: object) -> io.BytesIO:
        return io.BytesIO(b"another")

    monkeypatch.setattr(files, "open", opened)
    with pytest.raises(Refused, match="cannot be read") as refusal:
        Destination(url, "probe").try_out()

    assert refusal.value.code == "destination-not-reachable"
