"""What the ledger, and the backup that it proves, say of how both databases were: a verification compares with it."""

from collections.abc import Mapping
from typing import NamedTuple

from skill_server.application.session import Session
from skill_server.errors import MigrationError
from skill_server.ledger import history
from skill_server.model.base import JsonObject
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Checksums, EventKind
from skill_server.verify import parts
from skill_server.verify.context import Compared
from skill_server.verify.parts import Parts

_CHANGES = (EventKind.OUTCOME, EventKind.RESTORED, EventKind.BASELINED)


class Schemas(NamedTuple):
    """The fingerprints that both schemas should have, and what recorded them, in words."""

    fingerprints: Mapping[BackendKind, str]
    recorded: str


class Earlier(NamedTuple):
    """The content that the newest backup holds, and whether that backup may be believed; None where there is none."""

    checksums: Mapping[BackendKind, Checksums] | None = None
    backup: Compared | None = None


def schemas(session: Session) -> Schemas | None:
    """Return what the newest recorded change or proven backup found, whichever is newer, or None before both."""
    for event in reversed(session.events):
        if event.kind in _CHANGES and event.body.get("after"):
            left = {BackendKind(kind): value for kind, value in event.body["after"].items()}
            return Schemas(left, "that the newest change left")
        if event.kind is EventKind.BACKUP and event.bound["ledger"] == session.identity.ledger_id:
            return Schemas(
                {kind: event.bound[f"{kind}.schema"] for kind in BackendKind}, "of the newest backup"
            )
    return None


def recorded_parts(session: Session, fingerprints: Mapping[BackendKind, str]) -> dict[BackendKind, Parts]:
    """Return the parts of the schemas with these fingerprints, as far as the ledger holds them."""
    found: dict[BackendKind, Parts] = {}
    for event in reversed(session.events):
        for kind, recorded in event.body.get("parts", {}).items():
            if recorded["fingerprint"] == fingerprints.get(BackendKind(kind)):
                found.setdefault(BackendKind(kind), Parts.model_validate(recorded))
        if len(found) == len(fingerprints):
            break
    return found


def unrecorded_parts(session: Session, fingerprints: Mapping[BackendKind, str]) -> JsonObject:
    """Return for a receipt the parts of the schemas that this call has seen, where the ledger does not hold them.

    A schema that was seen with another fingerprint has other parts, and is left out.
    """
    held = recorded_parts(session, fingerprints)
    seen = {
        kind: snapshot
        for kind, snapshot in session.snapshots.items()
        if kind not in held and snapshot.fingerprint == fingerprints.get(kind)
    }
    return {"parts": parts.recorded(seen)} if seen else {}


async def earlier(session: Session) -> Earlier:
    """Return the content of the newest backup, if nothing was changed by a migration since.

    A backup that is not here, or whose manifest is not the one that was proven, is a finding: to compare with what
    anybody may have written would prove nothing, and to leave the comparison out would look like proof.
    """
    event = history.latest(session.events, EventKind.BACKUP, ledger=session.identity.ledger_id)
    if event is None or event.seq < session.history.last_change_seq:
        return Earlier()
    label = event.bound["label"]
    try:
        taken = await session.backups.at_hand(label, event.bound["manifest"])
    except MigrationError as error:
        problem = f"backup {label}: {error.message}, so that nothing could be compared with it"
        return Earlier(backup=Compared("", (f"{problem}. Put the proven one back, or call backup.",)))
    proven = f"backup {label} has the manifest that was proven"
    return Earlier({kind: dump.checksums for kind, dump in taken.dumps.items()}, Compared(proven))
