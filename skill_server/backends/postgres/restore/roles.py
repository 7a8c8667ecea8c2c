"""Which roles a backup names, and whether this server has them for its restored copy."""

from pathlib import Path
from typing import NamedTuple

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.backup import archive
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.errors import Refused


class Roles(NamedTuple):
    """Whether the roles of the source can own, and be granted, what is restored here, and which of them cannot."""

    owners: bool
    privileges: bool
    lacking: tuple[str, ...]


async def of(connection: Connection, note: archive.Note) -> Roles:
    """Ask this server for the roles that a backup names.

    Raises:
        Refused: one is missing that no copy can do without (`roles-missing`).
    """
    rows = await connection.fetch(
        "SELECT rolname::text AS name, pg_has_role(current_user, oid, 'MEMBER') AS member FROM pg_roles"
    )
    known = {row["name"] for row in rows}
    if missing := sorted(set(note.bound) - known):
        raise Refused(
            "roles-missing",
            f"row policies of the backup are for role {missing[0]!r}, which this server does not have",
            help="Create the role on this server.",
        )
    no_owners = set(note.owners) - {row["name"] for row in rows if row["member"]}
    no_grantees = set(note.grantees) - known
    # Grants are made in the owner's name, so without the owners they would mean something else.
    return Roles(not no_owners, not no_owners | no_grantees, tuple(sorted(no_owners | no_grantees)))


async def require_restorable(connections: Connections, directory: Path) -> None:
    """Check, before a backup is loaded to take this database's place, that the copy can have its owners and privileges.

    Raises:
        Refused: it cannot (`copy-not-complete`), or could not be loaded at all (`roles-missing`).
        Failed: the note of the backup cannot be read (`backup-damaged`).
    """
    with archive.private_directory(directory) as place:
        note = archive.read_note(place)
    async with connections.maintenance(purpose="roles") as connection:
        found = await of(connection, note)
    if found.lacking:
        raise Refused(
            "copy-not-complete",
            "the copy would lack owners or privileges, because this server does not have, or the role is no member of: "
            f"{failures.capped(', '.join(map(repr, found.lacking)))}",
            help="Create the missing roles, or use a role that is a member of the owners, and restore again.",
        )
