"""pg_restore, fed through a pipe: which of its complaints are harmless, and what the others mean."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from skill_server.backends.postgres.backup import child
from skill_server.backends.postgres.backup.client_tools import ClientTools
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.errors import Failed

# pg_restore 17 and newer begin with a setting that older servers do not know. This complaint, once and with no other,
# is harmless. The whole text has to match, since the complaints quote names and definitions that anybody may choose.
_UNKNOWN_SETTING_SINCE = 17
# The setting `event_triggers` (release notes of PostgreSQL 17).
_OWN_SETTING_SINCE = 17
_HARMLESS = re.compile(
    r"(pg_restore: while INITIALIZING:\n)?"
    r'pg_restore: error: could not execute query: ERROR: [^\n]*"transaction_timeout"[^\n]*\n'
    r"Command was: SET transaction_timeout = 0;\n+"
    r"pg_restore: warning: errors ignored on restore: 1\n*"
)


@asynccontextmanager
async def restoring(
    connections: Connections,
    tools: ClientTools,
    server: int,
    options: Sequence[str] = (),
    *,
    event_triggers: bool = False,
) -> AsyncGenerator[child.Child]:
    """Give a pg_restore that writes into this database what it is fed, and check how it ended.

    Event triggers stay silent: those that are there, and with `event_triggers` those that are restored.

    Raises:
        Failed: it did not restore everything (`restore-failed`).
    """
    strict = server >= _UNKNOWN_SETTING_SINCE or tools.major < _UNKNOWN_SETTING_SINCE
    arguments = [
        *("--no-password", f"--dbname={connections.database}"),
        # Strictness would end the restore at the unknown setting, before anything was restored.
        *(["--exit-on-error"] if strict else []),
        *options,
    ]
    environment = connections.environment()
    async with connections.session(purpose="restore") as connection:
        if event_triggers or await connection.fetchval("SELECT EXISTS (SELECT FROM pg_event_trigger)"):
            environment |= await silence(connection)
    async with child.running(tools.restore, arguments, environment, fed=True) as pg_restore:
        yield pg_restore
        code = await pg_restore.exit_code()
        if code != 0 and (strict or not _HARMLESS.fullmatch(pg_restore.complaint)):
            raise Failed(
                "restore-failed",
                f"pg_restore {tools.version} ended with code {code} in database {connections.database!r}: "
                f"{pg_restore.first_error}",
                help="Mend what the message names, then restore again.",
            )


async def silence(connection: Connection) -> dict[str, str]:
    """Keep event triggers from firing in a session if the role may; return the variables that do it for libpq's tools.

    One that writes every command down would add records to what was restored: pg_restore itself refreshes materialized
    views when event triggers are back. Before PostgreSQL 17 they have no setting of their own, but in a session of the
    role `replica` none fires that was not enabled for it. Nothing else that a restore does depends on that role: when
    rows come in, there are no triggers and rules yet, and foreign keys and checks are validated in every role.
    """
    newer = connection.get_server_version().major >= _OWN_SETTING_SINCE
    name, value = ("event_triggers", "off") if newer else ("session_replication_role", "replica")
    try:
        await connection.execute(f"SET {name} = {value}")
    except asyncpg.InsufficientPrivilegeError:
        # Such a role cannot restore event triggers either.
        return {}
    return {"PGOPTIONS": f"-c {name}={value}"}
