"""A small backup that no database made, for what is done with its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from skill_server.backup import folder
from skill_server.backup import manifest as manifests
from skill_server.backup.manifest import BackupManifest
from skill_server.model.ids import BackendKind
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import BackupPart, Checksums, DumpResult, FieldChecksums, ServerIdentity

TARGET = TargetIdentity(name="development", environment="development", ledger_id="l" * 32)
LABEL = "20260101T000000Z-00000001"
FILES = {
    BackendKind.POSTGRES: {"dump": b"x" * 1_000},
    BackendKind.MONGODB: {"shop/item.bson": b"z" * 3_000_000, "shop/item.json": b"{}"},
}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_manifest(
    label: str = LABEL,
    *,
    target: TargetIdentity = TARGET,
    moments: Mapping[BackendKind, datetime] | None = None,
) -> BackupManifest:
    """Return the manifest of a small backup."""
    server = ServerIdentity(
        product="a database",
        version="1",
        server="s",
        database="shop",
        database_id="1",
        topology="standalone",
        transactions=True,
        writable=True,
    )
    dumps = {
        kind: DumpResult(
            parts=tuple(
                BackupPart(name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
                for name, content in files.items()
            ),
            fingerprint="f" * 32,
            checksums=Checksums(
                entities={"items": FieldChecksums(records=3, fields={"id": "0", "größe": "1"})}
            ),
            point_in_time=True,
            tool="a tool 1",
            moment=(moments or {}).get(kind),
            sizes={"items": 8_192},
            since={"xmin": 7},
        )
        for kind, files in FILES.items()
    }
    return BackupManifest(
        format=manifests.FORMAT,
        label=label,
        target=target,
        began_at=AT,
        ended_at=AT,
        servers=dict.fromkeys(BackendKind, server),
        dumps=dumps,
        applied=({"revision": "20260101_a", "seq": 3},),
        product="1",
        plan="p" * 32,
    )


def a_backup(directory: Path, taken: BackupManifest) -> Path:
    """Write a backup below a directory and return its folder."""
    place = folder.new_directory(directory / taken.label)
    for kind, files in FILES.items():
        for name, content in files.items():
            file = place / kind / name
            folder.private_directory(file.parent)
            file.touch(mode=0o600)
            file.write_bytes(content)
    manifests.write(taken, place)
    return place
