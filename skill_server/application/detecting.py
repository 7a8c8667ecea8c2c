"""Stage detect: which databases are these, and is the ledger theirs."""

from dataclasses import dataclass

from skill_server import settings as configuration
from skill_server.application.application import Application
from skill_server.application.target import Target
from skill_server.detect import detect
from skill_server.errors import Refused
from skill_server.model.ids import BackendKind
from skill_server.model.plan import TargetIdentity
from skill_server.model.receipt import NO_DATABASE, ServerIdentity


@dataclass(frozen=True)
class Detection:
    """What answered, and which backend the application uses now."""

    target: Target
    identity: TargetIdentity
    servers: dict[BackendKind, ServerIdentity]
    active: BackendKind


async def detect_databases(app: Application, name: str | None, *, by_person: bool = False) -> Detection:
    """Ask both servers who they are, adopt the pair on first sight, and leave a detection receipt.

    Raises:
        Refused: a server cannot be reached or written (`database-read-only`), a database is not there
            (`database-missing`), or a person must adopt the target.
        Conflict: the ledger belongs to another target or to other databases.
    """
    target = await app.target(name)
    await _require_usable(target)
    active = configuration.active_backend(app.settings.project, target.settings)
    identity = await detect.ensure_adopted(
        target.ledger, target.name, target.settings.environment, target.pair.identities, by_person=by_person
    )
    servers = await target.pair.identities()
    await detect.record_detection(target.ledger, identity.ledger_id, servers, active)
    return Detection(target=target, identity=identity, servers=servers, active=active)


async def _require_usable(target: Target) -> None:
    for kind, server in (await target.pair.identities()).items():
        # MongoDB makes a database at the first write, so a misspelled name would become a new, empty target.
        if server.database_id == NO_DATABASE:
            raise Refused(
                "database-missing",
                f"the {kind} server has no database {server.database!r} with anything in it",
                help="Check the database name in the URL's environment variable; if it is right, start the application "
                "once, so that its data is there.",
            )
        if not server.writable:
            raise Refused(
                "database-read-only",
                f"the {kind} database cannot be written by this role: {'; '.join(server.warnings) or server.topology}",
                help="Give the server a role that may migrate, on the primary.",
            )


async def adopt_again(app: Application, name: str | None) -> Detection:
    """Adopt a target by a person's word: for production, and after a clone or move."""
    target = await app.target(name)
    await _require_usable(target)
    await target.ledger.prepare()
    servers = await target.pair.identities()
    events = await target.ledger.events()
    if not events:
        await detect.adopt(target.ledger, target.name, target.settings.environment, servers)
    else:
        await detect.adopt_again(target.ledger, events, target.name, target.settings.environment, servers)
    return await detect_databases(app, name, by_person=True)
