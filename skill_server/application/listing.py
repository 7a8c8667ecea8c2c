"""Which backups there are, newest first: the proven ones of the ledger, and every folder that lies about."""

import anyio.to_thread
from pydantic import AwareDatetime

from skill_server.application.session import Session
from skill_server.backup import shelf
from skill_server.backup.backups import shipped_of
from skill_server.backup.shelf import State
from skill_server.errors import MigrationError
from skill_server.model.base import Frozen
from skill_server.model.receipt import Event, EventKind


class BackupLine(Frozen):
    """One proven backup; `at` is when it was proven, `spread_s` how far the moments of both dumps lie apart.

    `where` is empty for one that the retention let go, and `point_in_time` names the databases whose dump has one.
    """

    label: str
    at: AwareDatetime
    size_bytes: int
    point_in_time: tuple[str, ...]
    spread_s: float | None
    sealed: bool
    where: tuple[str, ...]


class FolderLine(Frozen):
    """One folder, here or at the destination."""

    label: str
    state: str
    where: str
    size_bytes: int | None


async def proven(session: Session) -> tuple[BackupLine, ...]:
    """Return the proven backups that can still be put back; the newest by the ledger, whatever clocks said, is first.

    The destination is asked only for what is not here, and one that cannot be reached is named so.
    """
    places = {event.bound["label"]: _here(session, event) for event in _receipts(session)}
    apart = {event.bound["label"] for event in _receipts(session) if shipped_of(event)}
    if any(not places[label] for label in apart):
        try:
            there = await _at_destination(session)
            apart &= set(there)
            word = "destination"
        except MigrationError:
            word = "destination, which cannot be reached"
    else:
        word = "destination"
    for label in apart:
        places[label] = (*places[label], word)
    return tuple(
        _line(event, places[event.bound["label"]])
        for event in reversed(_receipts(session))
        if places[event.bound["label"]]
    )


async def folders(session: Session) -> tuple[FolderLine, ...]:
    """Return every folder of backups here and at the destination, also those that no receipt proves.

    Raises:
        Refused: the destination cannot be reached.
    """
    order = {event.bound["label"]: event.seq for event in _receipts(session)}
    proven = {event.bound["label"]: event.bound["manifest"] for event in _receipts(session)}
    here = shelf.listing(session.settings.backups, session.identity, proven)
    lines = [
        *(FolderLine(label=i.label, state=i.state, where="local", size_bytes=i.size_bytes) for i in here),
        *(
            FolderLine(
                label=label,
                state=State.PROVEN if label in order else State.UNPROVEN,
                where="destination",
                size_bytes=None,
            )
            for label in await _at_destination(session)
        ),
    ]
    return tuple(sorted(lines, key=lambda line: (order.get(line.label, 0), line.label), reverse=True))


def _receipts(session: Session) -> list[Event]:
    return [
        event
        for event in session.events
        if event.kind is EventKind.BACKUP and event.bound["ledger"] == session.identity.ledger_id
    ]


def _here(session: Session, event: Event) -> tuple[str, ...]:
    return ("local",) if shelf.holds(session.settings.backups, event.bound["label"]) else ()


async def _at_destination(session: Session) -> tuple[str, ...]:
    destination = session.backups.destination
    return () if destination is None else await anyio.to_thread.run_sync(destination.labels)


def _line(event: Event, where: tuple[str, ...]) -> BackupLine:
    # Receipts of older products say less.
    return BackupLine(
        label=event.bound["label"],
        at=event.at,
        size_bytes=event.body["size_bytes"],
        point_in_time=tuple(kind for kind, whole in event.body["point_in_time"].items() if whole),
        spread_s=event.body.get("spread_s"),
        sealed=bool(event.body.get("sealed")),
        where=where,
    )
