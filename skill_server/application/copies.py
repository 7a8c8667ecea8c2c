"""The copies that a restore switches to: loaded and compared with the manifest, known again after a crash, dropped.

A name does not tell what became of a copy. One that is missing may have taken the place of the live database, or have
been dropped by hand; so each is remembered with an id of its own, and the databases are asked which one they are.
"""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager

import anyio

from skill_server.application.session import Session
from skill_server.backends.base import Progress
from skill_server.backends.progress import stage
from skill_server.backup import scratch
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import Failed, MigrationError
from skill_server.ledger import history
from skill_server.model import content
from skill_server.model.base import Frozen
from skill_server.model.ids import BackendKind
from skill_server.model.plan import PlanKind
from skill_server.model.receipt import EventKind

DROP_WITHIN_S = 60.0


class Copies(Frozen):
    """Both scratch databases of a restore: their names, and what tells each from another one of its name."""

    names: dict[BackendKind, str]
    ids: dict[BackendKind, str]


def begun(session: Session, plan_id: str) -> Copies | None:
    """Return the copies of a restore that was begun and did not end; None where this plan is no such one."""
    if session.history.unfinished != plan_id:
        return None
    event = history.latest(session.events, EventKind.STARTED, plan=plan_id)
    if event is None or event.bound["kind"] != PlanKind.RESTORE:
        return None
    # A claim from before copies had ids names none, so that its copies are loaded anew.
    return Copies(names=event.body["copies"], ids=event.body.get("ids", {}))


async def is_switched(session: Session, copies: Copies, kind: BackendKind) -> bool:
    """Say whether the live database of a kind is the copy already."""
    return await session.pair[kind].is_replaced_with(copies.names[kind], copies.ids.get(kind, ""))


async def missing(session: Session, copies: Copies) -> tuple[BackendKind, ...]:
    """Name the kinds whose copy is neither in place nor there to be switched to."""
    return tuple(
        [
            backend.kind
            for backend in session.pair
            if not await is_switched(session, copies, backend.kind)
            and not await _is_there(session, copies, backend.kind)
        ]
    )


async def _is_there(session: Session, copies: Copies, kind: BackendKind) -> bool:
    name, copy = copies.names[kind], session.pair[kind].at(copies.names[kind])
    return name in await copy.scratch() and await copy.copy_id() == copies.ids.get(kind)


async def load(
    session: Session,
    taken: BackupManifest,
    names: Mapping[BackendKind, str],
    kinds: Collection[BackendKind],
    progress: Progress,
) -> dict[BackendKind, str]:
    """Restore these halves of a backup into scratch databases, compare them with the manifest, return their ids.

    Raises:
        Failed: they do not equal the backup (`backup-not-restorable`).
    """
    seal = session.backups.seal_of(taken)
    expected = {kind: dump.checksums for kind, dump in taken.dumps.items()}
    # A half that is not loaded now was compared when it was.
    found, differences = dict(expected), list[str]()
    ids: dict[BackendKind, str] = {}
    for number, kind in enumerate(kinds):
        copy, dump = session.pair[kind].at(names[kind]), taken.dumps[kind]
        part = stage(progress, begin=100 * number / len(kinds), end=100 * (number + 1) / len(kinds))
        await copy.load(session.settings.backups / taken.label / kind, part, seal=seal)
        found[kind] = await copy.checksums()
        if await copy.fingerprint() != dump.fingerprint:
            differences.append(f"{kind}: the restored schema differs")
        ids[kind] = await copy.copy_id()
    differences += [str(item) for item in content.compare(expected, found, kept=True)]
    if differences:
        raise Failed(
            "backup-not-restorable",
            f"the restored copies differ from the backup: {'; '.join(differences[:5])}",
            help="Choose another backup.",
            next_tool="migration_status",
        )
    return ids


async def drop(session: Session, names: Mapping[BackendKind, str], kinds: Collection[BackendKind]) -> None:
    """Drop the copies of these kinds, as far as they are there."""
    for kind in kinds:
        copy = session.pair[kind].at(names[kind])
        if copy.database in await copy.scratch():
            await copy.drop()


@asynccontextmanager
async def dropped_on_failure(
    session: Session, names: Mapping[BackendKind, str], kinds: Collection[BackendKind]
) -> AsyncGenerator[None]:
    """Drop the copies of these kinds when the block fails or is cancelled; its error stays the one that is told."""
    try:
        yield
    except BaseException as error:
        for kind in kinds:
            try:
                # A cancelled caller is cancelled anew at every wait, unless it is shielded.
                with anyio.move_on_after(DROP_WITHIN_S, shield=True):
                    await drop(session, names, (kind,))
            except MigrationError as second:
                error.add_note(f"the copy {names[kind]} could not be dropped: {second.message}")
        raise


async def sweep(session: Session) -> None:
    """Drop what earlier restores of this target left, but for the copies that an unfinished one still needs."""
    await scratch.sweep(session.pair, session.identity, purposes=(scratch.RESTORE,), needed=needed(session))


def needed(session: Session) -> frozenset[str]:
    """Name the copies of a restore that is not finished, which nothing but that restore may drop."""
    copies = begun(session, session.history.unfinished or "")
    return frozenset(copies.names.values()) if copies else frozenset()
