"""The backups of one target: here, at the destination, with their seal, and for how long."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from skill_server.backends.sealing import Seal
from skill_server.backup import folder, keys, retention, shelf
from skill_server.backup import manifest as manifests
from skill_server.backup.destination import Destination
from skill_server.backup.manifest import BackupManifest
from skill_server.backup.sealing import HEADER
from skill_server.errors import Failed, MigrationError
from skill_server.ledger import history
from skill_server.model.base import Frozen
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import Event, EventKind
from skill_server.settings import Settings

if TYPE_CHECKING:
    from skill_server.backup.sealing import AgeSeal


class Tidied(Frozen):
    """What left after a backup: backups that may go, local copies of what is at the destination, and what stayed."""

    removed: tuple[str, ...] = ()
    only_at_destination: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What to tell a person, if anything."""
        told = (
            ("removed by the retention: ", self.removed),
            ("now only at the destination: ", self.only_at_destination),
            ("older backups stay for now: ", self.problems),
        )
        return tuple(f"{words}{', '.join(items)}" for words, items in told if items)


@dataclass(frozen=True)
class Backups:
    """The backups of a target as the settings keep them."""

    settings: Settings
    target: TargetIdentity

    @property
    def directory(self) -> Path:
        """The folder on this machine."""
        return self.settings.backups

    @property
    def destination(self) -> Destination | None:
        """The place where they are copied, if there is one."""
        url = self.settings.backup_destination
        return Destination(url, self.target.ledger_id) if url else None

    def prepare(self) -> Path:
        """Make the folder, or check it.

        Raises:
            Refused: it is not private (`directory-not-private`).
        """
        self.settings.state.mkdir(mode=0o700, exist_ok=True)
        return folder.private_directory(self.directory, within=self.settings.root)

    def new_seal(self) -> Seal | None:
        """Return what new backups are encrypted with: whoever names a key wants it used.

        Raises:
            Refused: the project asks for encryption and there is no good key (`backup-key-missing` and others).
        """
        wanted = self.settings.project.encrypt_backups or self.settings.backup_key_file is not None
        return keys.seal(self.settings.backup_key_file) if wanted else None

    def seal_of(self, taken: BackupManifest) -> Seal | None:
        """Return what opens a backup that is on this machine.

        Raises:
            Refused: it is encrypted and there is no good key, or another one (`backup-key-missing` and others).
        """
        if not taken.sealed:
            return None
        file = self.settings.backup_key_file
        if file is None:
            raise keys.unopened(taken.label, f"the environment variable {keys.VARIABLE} is not set")
        if not file.exists():
            raise keys.unopened(taken.label, "the key file of the backups is not there")
        seal = keys.seal(file)
        if not self._fits(seal, taken):
            raise keys.unopened(taken.label, "no key in the key file of the backups opens it")
        return seal

    def _fits(self, seal: "AgeSeal", taken: BackupManifest) -> bool:
        """Try a key on the first encrypted file; whether files are intact is not asked here."""
        with folder.opened(self.directory / taken.label) as place:
            for name in taken.files:
                with suppress(OSError), folder.opened_file(place, name) as opened:
                    if os.pread(opened, len(HEADER), 0) == HEADER:
                        with os.fdopen(os.dup(opened), "rb") as file:
                            return seal.fits(file)
        return True

    async def at_hand(self, label: str, proven: str) -> BackupManifest:
        """Return a proven backup's manifest, after its files were brought here if they are elsewhere.

        Raises:
            Refused: it is nowhere (`backup-unknown`), or the destination cannot be reached.
            Failed: it is not the one that was proven (`backup-damaged`).
        """
        if not shelf.holds(self.directory, label):
            destination = self.destination
            if destination is not None:
                self.prepare()
                await anyio.to_thread.run_sync(destination.fetch, label, proven, self.directory)
        taken = manifests.read(self.directory / label)
        if taken.digest != proven:
            raise Failed(
                "backup-damaged",
                "the manifest is not the one that was proven",
                help="Choose another backup.",
                next_tool="migration_status",
            )
        return taken

    async def tidy(self, events: Sequence[Event]) -> Tidied:
        """Remove what the retention lets go, and local copies of older backups that are at the destination.

        A destination that cannot be reached is told and asked again after the next backup.
        """
        project = self.settings.project
        held = retention.proven(events, self.target.ledger_id)
        needed = retention.needed(events, history.read(events), self.target.ledger_id)
        gone = retention.expired(
            held,
            keep_last=project.backup_keep_last,
            keep_days=project.backup_keep_days,
            now=datetime.now(UTC),
            needed=needed,
        )
        there, problems = await self._removed_at_destination(gone)
        removed = tuple(label for label in gone if label in there or shelf.holds(self.directory, label))
        # What is not seen at the destination now stays here, whatever the ledger says of it.
        apart = tuple(
            backup.label
            for backup in held[:-1]
            if backup.label in there - needed - set(gone) and shelf.holds(self.directory, backup.label)
        )
        for label in (*removed, *apart):
            await anyio.to_thread.run_sync(shelf.remove, self.directory, label)
        return Tidied(removed=removed, only_at_destination=apart, problems=problems)

    async def _removed_at_destination(self, gone: Sequence[str]) -> tuple[frozenset[str], tuple[str, ...]]:
        """Return what was proven to lie at the destination, after `gone` was removed there, and what went wrong."""
        destination = self.destination
        if destination is None:
            return frozenset(), ()
        try:
            there = frozenset(await anyio.to_thread.run_sync(destination.labels))
            for label in gone:
                if label in there:
                    await anyio.to_thread.run_sync(destination.remove, label)
        except MigrationError as error:
            return frozenset(), (error.message,)
        return there, ()


def shipped_of(event: Event) -> bool:
    """Say whether an event is the receipt of a backup that was copied to a destination."""
    return event.kind is EventKind.BACKUP and bool(event.body.get("shipped"))
