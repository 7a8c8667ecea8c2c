"""Take a backup of both databases, restore it into scratch databases, and compare."""

import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from skill_server import __version__
from skill_server.backends.base import Progress, no_progress
from skill_server.backends.pair import Pair
from skill_server.backends.progress import stage
from skill_server.backends.sealing import Seal
from skill_server.backup import folder, scratch, shelf
from skill_server.backup import manifest as manifests
from skill_server.backup.differing import differing, triggers
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import Failed, Refused
from skill_server.model import content
from skill_server.model.ids import BackendKind, PlanId
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import DumpResult

_MOST_TOLD = 10
_AGAIN = "Take a new backup while the application is quiet and nobody changes the schema."
_CHANGE = (
    "What is named does not come out of a dump as it went in, so every backup would end like this: change, disable "
    "or drop it, then take a new one."
)


def new_label() -> str:
    """Return a label that never collides; it shows a time, but the order of backups is that of the ledger."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


async def take(
    pair: Pair,
    directory: Path,
    target: TargetIdentity,
    applied: tuple[Mapping[str, object], ...],
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
    plan: PlanId | None = None,
) -> BackupManifest:
    """Dump both databases below `directory` and write the manifest.

    Raises:
        Refused: no space, a missing client tool, or a folder that is not private.
        Failed: a dump did not finish; its partial files are gone.
    """
    await _require_room(pair, directory)
    label = new_label()
    began = datetime.now(UTC)
    dumps: dict[BackendKind, DumpResult] = {}
    with shelf.new(directory, target, label) as place:
        for number, backend in enumerate(pair):
            part = stage(progress, begin=50 * number, end=50 * (number + 1))
            dumps[backend.kind] = await backend.dump(
                folder.new_directory(place / backend.kind), part, seal=seal
            )
        taken = BackupManifest(
            format=manifests.FORMAT,
            label=label,
            target=target,
            began_at=began,
            ended_at=datetime.now(UTC),
            servers=await pair.identities(),
            dumps=dumps,
            applied=tuple(dict(entry) for entry in applied),
            product=__version__,
            plan=plan,
            sealed="age" if seal else None,
        )
        manifests.write(taken, place)
    return taken


async def _require_room(pair: Pair, directory: Path) -> None:
    """Check that both halves fit, before the first is written: each backend knows only its own."""
    wanted = {backend.kind: await backend.backup_bytes() for backend in pair}
    free = shutil.disk_usage(directory).free
    if free < sum(wanted.values()):
        parts = ", ".join(f"{kind} {_mib(size)} MiB" for kind, size in wanted.items())
        raise Refused(
            "backup-no-space",
            f"the backup may need {_mib(sum(wanted.values()))} MiB ({parts}) and the disk of the backup folder has "
            f"{free >> 20} MiB free",
            help="Free space, keep fewer backups, or configure a backup directory on a larger disk.",
            detail={"needed_bytes": sum(wanted.values()), "free_bytes": free},
        )


def _mib(size: int) -> int:
    return -(-size >> 20)


async def prove(
    pair: Pair,
    directory: Path,
    taken: BackupManifest,
    progress: Progress = no_progress,
    *,
    seal: Seal | None = None,
    source: Pair | None = None,
) -> None:
    """Restore the backup into scratch databases and compare schema and every value; they stay as templates.

    The copies are made on the servers of `pair`; `source` was backed up, where that is another pair.

    Raises:
        Refused: a copy is the live database itself (`copy-is-live`).
        Failed: what came back is not what was dumped (`backup-not-restorable`), with the differences.
    """
    place = directory / taken.label
    if broken := manifests.damage(taken, place):
        raise Failed("backup-damaged", "; ".join(broken), help="Take a new backup.", next_tool="backup")
    copies = pair.at(scratch.template_names(taken.target, taken.label))
    for number, copy in enumerate(copies):
        part = stage(progress, begin=50 * number, end=50 * (number + 1))
        await copy.load(place / copy.kind, part, seal=seal)
    await scratch.require_copies(taken.servers, copies)
    expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
    differences = content.compare(expected, await copies.checksums(), kept=True)
    schemas = [
        found
        for copy in copies
        if (found := await differing((source or pair)[copy.kind], copy, taken.dumps[copy.kind].fingerprint))
    ]
    if differences or schemas:
        suspects = await triggers(differences, source or pair)
        await scratch.sweep(pair, taken.target)
        lines = [*suspects, *(line for found in schemas for line in found.lines), *map(str, differences)]
        raise Failed(
            "backup-not-restorable",
            f"the restored copy is not equal to the source: {'; '.join(lines[:_MOST_TOLD])}",
            help=_CHANGE if suspects or any(not found.moved for found in schemas) else _AGAIN,
            next_tool="backup",
        )
    for copy in copies:
        await copy.keep_as_template()
