"""Find the backup that a restore is to put back, and make sure that it is this target's."""

from skill_server.application.session import Session
from skill_server.backup import manifest as manifests
from skill_server.backup import shelf
from skill_server.backup.manifest import BackupManifest
from skill_server.errors import Refused
from skill_server.ledger import history
from skill_server.model.ids import BackendKind
from skill_server.model.receipt import Event, EventKind


async def backup_of(session: Session, label: str) -> BackupManifest:
    """Return the manifest of a backup of this target; whether it is proven and intact is for the gate to say.

    Raises:
        Refused: there is none (`backup-unknown`), or what lies there is another's (`backup-of-another-target`).
        Failed: it cannot be read, or is not the one that was proven (`backup-damaged`).
    """
    receipt = history.latest(session.events, EventKind.BACKUP, label=label, ledger=session.identity.ledger_id)
    directory = session.settings.backups
    if receipt is not None and not shelf.holds(directory, label):
        await session.backups.at_hand(label, receipt.bound["manifest"])
    taken = manifests.read(directory / label)
    if wrong := _wrong(session, label, taken, receipt):
        raise Refused(
            "backup-of-another-target",
            f"what lies in the folder of backup {label} is not a backup of {session.target.name}: {wrong}",
            help="Put the right folder back, or choose another backup.",
            next_tool="migration_status",
            next_args={"target": session.target.name},
        )
    return taken


def _wrong(session: Session, label: str, taken: BackupManifest, receipt: Event | None) -> str | None:
    """Say by what a manifest gives itself away as that of other databases."""
    if taken.label != label:
        return f"its manifest is of backup {taken.label}"
    if taken.target.ledger_id != session.identity.ledger_id:
        return "it was taken under another ledger"
    for kind in BackendKind:
        if kind not in taken.servers or kind not in taken.dumps:
            return f"its manifest has no {kind} half"
        there, here = taken.servers[kind], session.identities[kind]
        # A restore changes the id of a database, and neither its name nor its server.
        if (there.server, there.database) != (here.server, here.database):
            return f"its {kind} half is of database {there.database} on another server or under another name"
        if receipt is not None and receipt.bound[f"{kind}.schema"] != taken.dumps[kind].fingerprint:
            return f"its {kind} half is of another schema than the one that was proven"
    return None
