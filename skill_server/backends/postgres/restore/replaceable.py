"""What would stop a restored copy from taking the place of the live database, asked before anything is begun.

The switch is one transaction, so a refusal in it leaves this database whole. But the other database of the pair may be
switched by then, and what refuses for good here would leave the pair in two different times.
"""

import asyncpg

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.backup import scratch
from skill_server.backends.postgres.backup.surroundings import Surroundings
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.errors import Refused

_LOCK_TIMEOUT = "10s"

# What hangs on a database by its id and would stay with the old content.
_ANCHORED = """
SELECT 'replication slot ' || slot_name AS what FROM pg_replication_slots WHERE database = ANY ($1::text[])
UNION ALL
SELECT 'subscription ' || subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = ANY ($1::text[])
UNION ALL
SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts WHERE database = ANY ($1::text[])
LIMIT 1"""
# Renaming takes the owner's rights and CREATEDB (manual, ALTER DATABASE); ending a session those of its role
# (manual, section 9.28.2), and only a superuser ends one of a superuser.
_RIGHTS = """
SELECT r.rolsuper OR (r.rolcreatedb AND pg_has_role(d.datdba, 'USAGE')) AS may_rename,
    pg_has_role(d.datdba, $2) AS may_give, quote_ident(pg_get_userbyid(d.datdba)) AS owner, (
    SELECT string_agg(DISTINCT quote_ident(a.usename), ', ')
    FROM pg_stat_activity a JOIN pg_roles o ON o.oid = a.usesysid
    WHERE a.datid = d.oid AND NOT r.rolsuper
        AND (o.rolsuper OR NOT (pg_has_role(o.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')))
) AS untouchable
FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = $1"""


async def require_replaceable(connections: Connections, copy: str | None = None) -> None:
    """Check what would stop `replace.replace_with`, for a copy only where one is there.

    Raises:
        Refused: see `require`.
    """
    async with connections.maintenance(purpose="replaceable") as connection:
        await require(connection, connections.database, copy)
        await _require_surroundings(connection, connections.database, copy)


async def require(connection: Connection, live: str, copy: str | None) -> None:
    """Check both databases from a session outside of them.

    Raises:
        Refused: the copy is not scratch (`not-scratch`) or lost its owners (`copy-not-complete`), the live database is
            the one maintenance works from or the role may not rename it (`database-not-replaceable`), or a replication
            slot, subscription or prepared transaction hangs on either (`database-anchored`).
    """
    if copy is not None:
        detail = await scratch.require_mark(connection, copy)
        if not detail.get("owners") or not detail.get("privileges"):
            raise Refused(
                "copy-not-complete",
                f"database {copy!r} was restored without the owners or privileges of its source",
                help="Create the missing roles, or use a role that is a member of them, and restore again.",
            )
    if live == await connection.fetchval("SELECT current_database()"):
        raise Refused(
            "database-not-replaceable",
            f"database {live!r} is the one from which others are renamed",
            help="Restore into a database of another name and point the application to it.",
        )
    await _require_rights(connection, live)
    names = [live] if copy is None else [live, copy]
    anchored = await connection.fetchval(_ANCHORED, names)
    if anchored is not None:
        raise Refused(
            "database-anchored",
            f"{failures.capped(anchored)} belongs to the database and would stay with the old content",
            help="End it first, and set it up again after the restore.",
        )


async def _require_rights(connection: Connection, live: str) -> None:
    # Since 16 a member of a role may be one without the right to give anything to it (manual, section 22.3).
    giving = "SET" if connection.get_server_version().major >= 16 else "MEMBER"
    rights = await connection.fetchrow(_RIGHTS, live, giving)
    if rights is None or not rights["may_rename"]:
        raise Refused(
            "database-not-replaceable",
            f"the role may not rename database {live!r}: that takes its owner's rights and CREATEDB",
            help="Use a role that has both, or a superuser.",
        )
    if not rights["may_give"]:
        raise Refused(
            "database-not-replaceable",
            f"the role may not give a copy to {failures.capped(rights['owner'])}, the owner of database {live!r}",
            help="Use a role that may, or a superuser.",
        )
    if rights["untouchable"] is not None:
        raise Refused(
            "database-in-use",
            f"the role may not end the sessions of {failures.capped(rights['untouchable'])} on database {live!r}",
            help="Stop what uses the database, or grant the role pg_signal_backend, then restore again.",
        )


async def _require_surroundings(connection: Connection, live: str, copy: str | None) -> None:
    """Give the copy owner, privileges and settings of the live database in a transaction that is taken back.

    While there is no copy, the live database is given the settings that it has, since they alone need rights that
    no catalog tells.
    """
    trial = connection.transaction()
    await trial.start()
    try:
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        surroundings = await Surroundings.read(connection, live)
        if copy is None:
            await surroundings.give_settings(connection, live)
        else:
            await surroundings.give(connection, copy)
    except asyncpg.PostgresError as error:
        raise Refused(
            "database-not-replaceable",
            f"owner, privileges or settings of database {live!r} cannot be given to its copy: "
            f"{failures.server_text(error)}",
            help="Use a role that may set what the message names, or take that setting back, then restore again.",
        ) from error
    finally:
        await trial.rollback()
