"""The manifest: everything needed to prove that a restore is complete."""

import hashlib
import json
import os
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from skill_server.errors import Failed, Refused
from skill_server.model.base import Frozen, canonical, digest
from skill_server.model.ids import BackendKind, BackupLabel
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import DumpResult, ServerIdentity

MANIFEST_FILE = "manifest.json"
CHUNK_BYTES = 1024 * 1024


class BackupManifest(Frozen):
    """One backup of both databases; `applied` is the history it belongs to, newest last."""

    label: BackupLabel
    target: TargetIdentity
    began_at: AwareDatetime
    ended_at: AwareDatetime
    servers: dict[BackendKind, ServerIdentity]
    dumps: dict[BackendKind, DumpResult]
    applied: tuple[dict[str, object], ...] = ()

    @property
    def digest(self) -> str:
        """The digest that a backup receipt is bound to."""
        return digest(self)

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(part.size_bytes for dump in self.dumps.values() for part in dump.parts)


def write(manifest: BackupManifest, directory: Path) -> None:
    """Store the manifest beside the files, durably and for the owner alone."""
    partial = directory / f"{MANIFEST_FILE}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(canonical(manifest.model_dump(mode="json")))
        file.flush()
        os.fsync(file.fileno())
    partial.rename(directory / MANIFEST_FILE)


def read(directory: Path) -> BackupManifest:
    """Read a manifest.

    Raises:
        Refused: there is none (`backup-unknown`).
        Failed: it cannot be read (`backup-damaged`).
    """
    path = directory / MANIFEST_FILE
    if not path.is_file() or path.is_symlink():
        raise Refused(
            "backup-unknown", "no such backup is on this machine", help="Call backup.", next_tool="backup"
        )
    try:
        return BackupManifest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise Failed(
            "backup-damaged",
            "the backup's manifest cannot be read",
            help="Take a new backup.",
            next_tool="backup",
        ) from error


def damage(manifest: BackupManifest, directory: Path) -> tuple[str, ...]:
    """Hash every file again and return what no longer agrees with the manifest."""
    found: list[str] = []
    for kind, dump in manifest.dumps.items():
        for part in dump.parts:
            path = directory / kind / part.name
            if not path.is_file() or path.is_symlink():
                found.append(f"{kind}: {part.name} is missing")
            elif path.stat().st_size != part.size_bytes or _sha256(path) != part.sha256:
                found.append(f"{kind}: {part.name} was changed")
    return tuple(found)


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()
