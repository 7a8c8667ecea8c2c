"""After a backup older ones leave, here and at the destination; one that cannot be reached is asked again later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec  # pyright: ignore[reportMissingTypeStubs]
import pytest

from skill_server import settings
from skill_server.backup import keys, shelf
from skill_server.backup.backups import Backups
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import Failed, MigrationError, Refused
from skill_server.model.receipt import Event, EventKind
from tests.unit.backup.samples import TARGET, a_backup, a_manifest

LABELS = [f"20260101T000000Z-{number:08x}" for number in range(3)]


@pytest.fixture
def backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backups:
    """Return three backups that were copied away, of which one is to stay."""
    monkeypatch.setenv("DATABASE_MIGRATION_BACKUP_DESTINATION", f"memory://{tmp_path.name}")
    (tmp_path / "database-migration.toml").write_text("backup_keep_last = 1\nbackup_keep_days = 0\n")
    found = Backups(settings.load(tmp_path), TARGET)
    found.prepare()
    for label in LABELS:
        a_backup(found.directory, a_manifest(label))
        assert found.destination
        found.destination.ship(found.directory, a_manifest(label))
    return found


def receipts(count: int = len(LABELS)) -> list[Event]:
    """Return the receipts of the first backups."""
    long_ago = datetime.now(UTC) - timedelta(days=90)
    return [
        Event(
            seq=number,
            kind=EventKind.BACKUP,
            at=long_ago,
            bound={"label": label, "ledger": TARGET.ledger_id, "manifest": a_manifest(label).digest},
            body={"shipped": True},
        )
        for number, label in enumerate(LABELS[:count])
    ]


async def test_what_may_go_leaves_both_places(backups: Backups) -> None:
    """The newest stays in both."""
    tidied = await backups.tidy(receipts())

    assert tidied.removed == tuple(LABELS[:2])
    assert backups.destination
    assert backups.destination.labels() == (LABELS[2],)
    assert [path.name for path in backups.directory.iterdir()] == [LABELS[2]]
    assert (await backups.tidy(receipts())).lines == ()


async def test_a_destination_that_cannot_be_reached_is_told_and_asked_again(
    backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that succeeded does not fail because an older one could not be removed."""
    library: Any = fsspec

    def unreachable(*_: object, **__: object) -> None:
        raise TimeoutError("https://user:secret-token@host")

    with monkeypatch.context() as patched:
        patched.setattr(library.get_filesystem_class("memory"), "ls", unreachable)
        tidied = await backups.tidy(receipts())
    assert tidied.removed == tuple(LABELS[:2])
    assert len(tidied.problems) == 1
    assert "secret" not in " ".join(tidied.lines)
    assert (await backups.tidy(receipts())).removed == tuple(LABELS[:2])
    assert backups.destination
    assert backups.destination.labels() == (LABELS[2],)


async def test_a_local_copy_stays_while_its_copy_away_is_not_seen(backups: Backups) -> None:
    """The ledger says that it was copied, but somebody removed it there: the copy here may be the last."""
    (backups.settings.root / "database-migration.toml").write_text("backup_keep_last = 9\n")
    keeping = Backups(settings.load(backups.settings.root), TARGET)
    assert keeping.destination
    keeping.destination.remove(LABELS[0])
    tidied = await keeping.tidy(receipts())

    assert tidied.only_at_destination == (LABELS[1],)
    assert shelf.holds(keeping.directory, LABELS[0])


async def test_a_backup_that_is_away_is_brought_back_by_its_digest(backups: Backups) -> None:
    """What the ledger proved decides, also when the copy here has another manifest."""
    shelf.remove(backups.directory, LABELS[0])
    digest = a_manifest(LABELS[0]).digest
    assert (await backups.at_hand(LABELS[0], digest)).digest == digest
    assert shelf.holds(backups.directory, LABELS[0])

    with pytest.raises(Failed, match="not the one that was proven"):
        await backups.at_hand(LABELS[1], digest)
    with pytest.raises(MigrationError) as refusal:
        await backups.at_hand("20260101T000000Z-0000ffff", digest)
    assert refusal.value.code == "backup-unknown"


async def test_a_key_that_is_named_is_used_and_one_that_is_asked_for_must_be_there(
    backups: Backups, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A project's file cannot switch off what the server's owner set, and can only ask for more."""
    assert backups.new_seal() is None
    (tmp_path / "database-migration.toml").write_text("encrypt_backups = true\n")
    with pytest.raises(Refused) as refusal:
        Backups(settings.load(tmp_path), TARGET).new_seal()
    assert refusal.value.code == "backup-key-missing"
    (tmp_path / "database-migration.toml").write_text("encrypt_backups = false\n")
    monkeypatch.setenv("DATABASE_MIGRATION_BACKUP_KEY_FILE", str(tmp_path / "absent"))
    with pytest.raises(Refused):
        Backups(settings.load(tmp_path), TARGET).new_seal()


def a_sealed_backup(backups: Backups, key: Path) -> BackupManifest:
    """Write a backup whose large file is encrypted."""
    taken = a_manifest("20260101T000000Z-0000dead").model_copy(update={"sealed": "age"})
    place = a_backup(backups.directory, taken)
    with (place / "mongodb" / "shop" / "item.bson").open("wb") as file, keys.seal(key).writing(file) as seal:
        seal.write(b"x" * 100_000)
    return taken


@pytest.mark.parametrize(
    ("named", "why"),
    [(None, "is not set"), ("absent", "is not there"), ("other", "no key in the key file"), ("right", None)],
)
async def test_an_encrypted_backup_is_opened_by_its_own_key_alone(
    backups: Backups, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str | None, why: str | None
) -> None:
    """Without it the files look damaged, and making a new key, as for a new backup, would not help."""
    for name in ("right", "other"):
        keys.create(tmp_path / name)
    taken = a_sealed_backup(backups, tmp_path / "right")
    if named:
        monkeypatch.setenv(keys.VARIABLE, str(tmp_path / named))
    found = Backups(settings.load(tmp_path), TARGET)
    if why is None:
        assert found.seal_of(taken) is not None
        return

    with pytest.raises(Refused, match=why) as refusal:
        found.seal_of(taken)
    assert refusal.value.code == "backup-key-missing"
    assert keys.VARIABLE in refusal.value.help
    assert "Make one" not in refusal.value.help


async def test_damage_is_not_taken_for_a_wrong_key(
    backups: Backups, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who looks for another key then looks for ever."""
    keys.create(tmp_path / "right")
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "right"))
    taken = a_sealed_backup(backups, tmp_path / "right")
    file = backups.directory / taken.label / "mongodb" / "shop" / "item.bson"
    file.write_bytes(file.read_bytes()[:60])

    assert Backups(settings.load(tmp_path), TARGET).seal_of(taken) is not None
