"""Say what a restore puts out of sight: what was written to each entity since the backup, as far as it can be known."""

import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC
from functools import partial

from skill_server.application.session import Session
from skill_server.backends.replacing import Written
from skill_server.backup import scratch
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import MigrationError
from skill_server.model.base import Frozen, JsonObject
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import BackendKind

MOST_LINES = 12
_Check = Callable[[], Awaitable[None]]


class Loss(Frozen):
    """What was written to one entity of one database since the backup."""

    backend: BackendKind
    written: Written

    def __str__(self) -> str:
        found = self.written
        now = "an unknown number" if found.records_now is None else f"{found.records_now}"
        changed = "it is not known how many" if found.changed is None else f"{found.changed}"
        return (
            f"{self.backend} {found.entity}: {found.records_then} records in the backup, {now} now, "
            f"{changed} added or changed since ({found.how})"
        )


class Losses(Frozen):
    """Everything written since a backup, how many entities nothing was written to, and what else is of today alone."""

    found: tuple[Loss, ...]
    unchanged: int
    unknown: tuple[str, ...] = ()
    made: tuple[str, ...] = ()

    @property
    def body(self) -> JsonObject:
        """What the ledger keeps of it."""
        return {
            "changed": sum(loss.written.changed or 0 for loss in self.found),
            "not_counted": [
                f"{loss.backend} {loss.written.entity}" for loss in self.found if loss.written.changed is None
            ],
            "lines": [str(loss) for loss in self.found] + list(self.unknown) + list(self.made),
        }


async def since(session: Session, taken: BackupManifest) -> Losses:
    """Ask both databases what was written since a backup; one that cannot tell stops no emergency.

    The schemas are those that the session has read.
    """
    found: list[Loss] = []
    unknown: list[str] = []
    made: list[str] = []
    unchanged = 0
    seal = session.backups.seal_of(taken)
    for backend in session.pair:
        if session.snapshots[backend.kind].fingerprint != taken.dumps[backend.kind].fingerprint:
            made.append(f"{backend.kind}: the schema of today is another one, and goes out of sight as well")
        try:
            entities = await backend.written_since(taken.dumps[backend.kind])
            views = await backend.views_since(
                session.settings.backups / taken.label / backend.kind, seal=seal
            )
        except MigrationError as error:
            unknown.append(f"{backend.kind}: it is not known what was written since ({error.message})")
            continue
        made += [f"{backend.kind} {view}: a view that the backup does not have like this" for view in views]
        unchanged += sum(item.is_nothing for item in entities)
        found += [Loss(backend=backend.kind, written=item) for item in entities if not item.is_nothing]
    return Losses(found=tuple(found), unchanged=unchanged, unknown=tuple(unknown), made=tuple(made))


def told(taken: BackupManifest, losses: Losses) -> tuple[str, ...]:
    """Return the lines that a person reads before approving a restore."""
    lines = [f"The backup shows {' and '.join(_moments(taken))}."]
    lines += [f"{kind} was written to while it was backed up." for kind in _not_of_one_moment(taken)]
    every = [*losses.unknown, *losses.made, *(str(loss) for loss in losses.found)]
    lines += [f"- {line}" for line in every[:MOST_LINES]]
    if len(every) > MOST_LINES:
        lines.append(f"- and {len(every) - MOST_LINES} more")
    if losses.unchanged:
        lines.append(f"Nothing was written to {losses.unchanged} {'other ' if every else ''}entities.")
    return tuple(lines)


def findings(taken: BackupManifest, losses: Losses, in_the_way: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return what would stop the restore, what it would hide, and what the backup itself is not."""
    return (
        *in_the_way,
        *(
            Finding(
                rule="backup-not-point-in-time",
                severity=Severity.WARNING,
                backend=kind,
                message="this half was written to while it was backed up, so its records may be of different moments",
                help="Prefer a backup that is of one moment, if there is one.",
            )
            for kind in _not_of_one_moment(taken)
        ),
        *(
            Finding(
                rule="written-since-the-backup",
                severity=Severity.WARNING,
                backend=loss.backend,
                name=loss.written.entity,
                message=str(loss),
                help="Copy what must not go out of sight first.",
            )
            for loss in losses.found
        ),
        *(
            Finding(
                rule="written-since-the-backup",
                severity=Severity.WARNING,
                message=line,
                help="Find out by other means what was written since.",
            )
            for line in losses.unknown
        ),
        *(
            Finding(
                rule="made-since-the-backup",
                severity=Severity.WARNING,
                message=line,
                help="Make it anew after the restore, if it is still wanted.",
            )
            for line in losses.made
        ),
    )


async def require_possible(session: Session, taken: BackupManifest) -> None:
    """Check what would stop a restore, as far as that shows before the copies are loaded.

    Raises:
        Refused, Conflict: a live database cannot be replaced now, or not with what this backup holds.
        Failed: the backup cannot be read.
    """
    for _, check in _checks(session, taken):
        await check()


async def in_the_way(session: Session, taken: BackupManifest) -> tuple[Finding, ...]:
    """Return everything that would stop a restore now, as far as that shows before the copies are loaded."""
    found: list[Finding] = []
    for kind, check in _checks(session, taken):
        try:
            await check()
        except MigrationError as error:
            found.append(
                Finding(
                    rule=error.code,
                    severity=Severity.ERROR,
                    backend=kind,
                    message=error.message,
                    help=error.help,
                )
            )
    # What is wrong with the database alone is found again when the backup is compared with it.
    return tuple(dict.fromkeys(found))


def _checks(session: Session, taken: BackupManifest) -> Iterator[tuple[BackendKind, _Check]]:
    seal = session.backups.seal_of(taken)
    probes = scratch.names(session.identity, scratch.PROBE, secrets.token_hex(4))
    for backend in session.pair:
        directory = session.settings.backups / taken.label / backend.kind
        yield backend.kind, backend.require_replaceable
        yield (
            backend.kind,
            partial(backend.require_restorable, directory, probes[backend.kind], seal=seal),
        )


def _moments(taken: BackupManifest) -> Iterator[str]:
    for kind in BackendKind:
        moment = taken.dumps[kind].moment or taken.began_at
        yield f"{kind} as of {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _not_of_one_moment(taken: BackupManifest) -> list[BackendKind]:
    return [kind for kind in BackendKind if not taken.dumps[kind].point_in_time]
