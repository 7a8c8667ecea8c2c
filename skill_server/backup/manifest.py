"""The manifest: everything needed to prove that a restore is complete, as docs/backups.md explains it."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from skill_server.backup import folder
from skill_server.errors import Failed, Refused
from skill_server.model.base import Frozen, JsonObject, canonical, digest
from skill_server.model.ids import BackendKind, BackupLabel
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import DumpResult, ServerIdentity

MANIFEST_FILE = "manifest.json"
FORMAT = 2


class BackupManifest(Frozen):
    """One backup of both databases.

    Format 1 had no `format`, `product`, `plan` and `sealed`, and its dumps had no `moment`, `sizes` and `since`.
    """

    format: Annotated[Literal[1, 2], Field(description="the version of this format")] = 1
    label: Annotated[BackupLabel, Field(description="the name of the backup and of its folder")]
    target: Annotated[
        TargetIdentity, Field(description="whose databases they are, and the id of their ledger")
    ]
    began_at: Annotated[
        AwareDatetime, Field(description="when the first dump began, by the clock of the product")
    ]
    ended_at: Annotated[AwareDatetime, Field(description="when the last dump ended, by the same clock")]
    servers: Annotated[dict[BackendKind, ServerIdentity], Field(description="the servers that were dumped")]
    dumps: Annotated[
        dict[BackendKind, DumpResult],
        Field(description="the files of each dump, and what was in the database"),
    ]
    applied: Annotated[
        tuple[JsonObject, ...], Field(description="the revisions that were applied then, newest last")
    ] = ()
    product: Annotated[str, Field(description="the version of the product that took it")] = ""
    plan: Annotated[
        str | None, Field(description="the id of the plan that it was taken for, if one was stored")
    ] = None
    sealed: Annotated[
        Literal["age"] | None,
        Field(description="how its files are encrypted; hashes are of the encrypted files"),
    ] = None

    @property
    def content(self) -> JsonObject:
        """What its file holds: a field that an older product did not write is no part of its digest either."""
        return self.model_dump(mode="json", exclude_unset=True)

    @property
    def digest(self) -> str:
        """The digest that a backup receipt is bound to."""
        return digest(self.content)

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(part.size_bytes for dump in self.dumps.values() for part in dump.parts)

    @property
    def moments(self) -> dict[BackendKind, datetime]:
        """The moment of each dump that knows it, by the clock of its server."""
        return {kind: dump.moment for kind, dump in self.dumps.items() if dump.moment is not None}

    @property
    def fence(self) -> datetime | None:
        """The earlier moment: what was committed before it is in both dumps, as far as the servers' clocks agree."""
        return min(self.moments.values()) if len(self.moments) == len(self.dumps) else None

    @property
    def spread_s(self) -> float | None:
        """How far the two moments lie apart: a write between them is in one dump and not in the other."""
        if self.fence is None:
            return None
        return round((max(self.moments.values()) - self.fence).total_seconds(), 3)

    @property
    def files(self) -> dict[str, tuple[int, str]]:
        """The size and the SHA-256 of each file by its path in the folder."""
        return {
            f"{kind}/{part.name}": (part.size_bytes, part.sha256)
            for kind, dump in self.dumps.items()
            for part in dump.parts
        }


def schema() -> str:
    """Return the JSON schema of a manifest, which docs/backup-manifest.schema.json holds."""
    return json.dumps(BackupManifest.model_json_schema(), indent=2, sort_keys=True) + "\n"


def encoded(manifest: BackupManifest) -> bytes:
    """Return what the file of a manifest holds."""
    return canonical(manifest.content).encode()


def decoded(content: bytes) -> BackupManifest:
    """Read a manifest from what its file holds.

    Raises:
        Failed: it cannot be read (`backup-damaged`).
    """
    try:
        return BackupManifest.model_validate(json.loads(content))
    except (ValueError, ValidationError) as error:
        raise _unreadable() from error


def write(manifest: BackupManifest, directory: Path) -> None:
    """Store the manifest beside the files, durably and for the owner alone."""
    with folder.opened(directory) as place:
        folder.write_new(place, MANIFEST_FILE, encoded(manifest))


def read(directory: Path) -> BackupManifest:
    """Read a manifest.

    Raises:
        Refused: there is none (`backup-unknown`), or the folder is not private (`directory-not-private`).
        Failed: it cannot be read (`backup-damaged`).
    """
    if not (directory / MANIFEST_FILE).is_file():
        raise Refused(
            "backup-unknown", "no such backup is on this machine", help="Call backup.", next_tool="backup"
        )
    with folder.opened(directory) as place:
        try:
            content = folder.read_bytes(place, MANIFEST_FILE)
        except OSError as error:
            raise _unreadable() from error
    return decoded(content)


def damage(manifest: BackupManifest, directory: Path) -> tuple[str, ...]:
    """Hash every file again and return what no longer agrees with the manifest."""
    found: list[str] = []
    with folder.opened(directory) as place:
        for name, expected in manifest.files.items():
            shown = name.replace("/", ": ", 1)
            try:
                if folder.size_and_hash(place, name) != expected:
                    found.append(f"{shown} was changed")
            except OSError:
                found.append(f"{shown} is missing")
    return tuple(found)


def _unreadable() -> Failed:
    return Failed(
        "backup-damaged",
        "the backup's manifest cannot be read",
        help="Take a new backup.",
        next_tool="backup",
    )
