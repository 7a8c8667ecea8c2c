"""Take a backup of both databases, restore it into scratch databases, and compare."""

import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from skill_server.backends.base import Progress, no_progress
from skill_server.backends.pair import Pair
from skill_server.backends.progress import stage
from skill_server.backup import manifest as manifests
from skill_server.backup import scratch
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import Failed, Refused
from skill_server.model import content
from skill_server.model.ids import BackendKind
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import DumpResult


def new_label() -> str:
    """Return a label that sorts by time and never collides."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


async def take(
    pair: Pair,
    directory: Path,
    target: TargetIdentity,
    applied: tuple[Mapping[str, object], ...],
    progress: Progress = no_progress,
) -> BackupManifest:
    """Dump both databases below `directory` and write the manifest.

    Raises:
        Refused: no space, a missing client tool, or a folder that is not private.
        Failed: a dump did not finish; its partial files are gone.
    """
    label = new_label()
    began = datetime.now(UTC)
    place = private_directory(directory / label)
    dumps: dict[BackendKind, DumpResult] = {}
    try:
        for number, backend in enumerate(pair):
            part = stage(progress, begin=50 * number, end=50 * (number + 1))
            dumps[backend.kind] = await backend.dump(private_directory(place / backend.kind), part)
        taken = BackupManifest(
            label=label,
            target=target,
            began_at=began,
            ended_at=datetime.now(UTC),
            servers=await pair.identities(),
            dumps=dumps,
            applied=tuple(dict(entry) for entry in applied),
        )
        manifests.write(taken, place)
    except BaseException:
        # The half that succeeded proves nothing alone, and where the disk is full it would keep it full.
        shutil.rmtree(place, ignore_errors=True)
        raise
    return taken


async def prove(pair: Pair, directory: Path, taken: BackupManifest, progress: Progress = no_progress) -> None:
    """Restore the backup into scratch databases and compare schema and every value; they stay as templates.

    Raises:
        Failed: what came back is not what was dumped (`backup-not-restorable`), with the differences.
    """
    place = directory / taken.label
    if broken := manifests.damage(taken, place):
        raise Failed("backup-damaged", "; ".join(broken), help="Take a new backup.", next_tool="backup")
    copies = pair.at(scratch.template_names(taken.target, taken.label))
    for number, copy in enumerate(copies):
        part = stage(progress, begin=50 * number, end=50 * (number + 1))
        await copy.load(place / copy.kind, part)
    found = await copies.fingerprints()
    expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
    differences = [str(item) for item in content.compare(expected, await copies.checksums(), kept=True)]
    differences += [
        f"{kind}: the restored schema differs"
        for kind, dump in taken.dumps.items()
        if found[kind] != dump.fingerprint
    ]
    if differences:
        await scratch.sweep(pair, taken.target)
        raise Failed(
            "backup-not-restorable",
            "the restored copy is not equal to the source: " + "; ".join(differences[:10]),
            help="Take a new backup while the application is quiet.",
            next_tool="backup",
        )


def private_directory(path: Path, *, within: Path | None = None) -> Path:
    """Make a folder for the owner alone, or check that an existing one is.

    The way from `within`, a resolved folder, must not pass through a link either: backups hold every value.

    Raises:
        Refused: it is a link, no folder, somebody else's, or open to others (`directory-not-private`).
    """
    linked = within is not None and path.is_relative_to(within) and path.parent.resolve() != path.parent
    if linked or path.is_symlink() or (path.exists() and not path.is_dir()):
        raise _not_private(path, "is no folder, or a link leads there")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise _not_private(path, "belongs to another user or can be read by others")
    return path


def _not_private(path: Path, why: str) -> Refused:
    return Refused(
        "directory-not-private", f"the folder {path.name} {why}", help="Make it a real folder with mode 0700."
    )
