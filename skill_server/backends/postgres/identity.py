"""Who the server is, what the role may do there, and who else is connected."""

import asyncpg

from skill_server.backends.postgres.connection import APPLICATION_NAME, Connection, Connections
from skill_server.backends.postgres.failures import capped
from skill_server.model.receipt import ServerIdentity

_FACTS = """
SELECT current_setting('server_version') AS version, current_database()::text AS database,
       (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS database_id,
       pg_is_in_recovery() AS standby, current_setting('transaction_read_only')::boolean AS read_only,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       (SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user) AS may_copy,
       current_setting('fsync')::boolean AS fsync, pg_backend_pid() AS pid,
       (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
          AND NOT pg_has_role(c.relowner, 'USAGE')) AS foreign_tables
"""
# Without the right to read statistics the server shows no backend_type of others (manual, section 28.2.3).
_OTHERS = f"""
SELECT DISTINCT coalesce(nullif(application_name, ''), 'unnamed') AS application,
       coalesce(host(client_addr), 'local') AS address
FROM pg_stat_activity
WHERE datname = current_database() AND coalesce(backend_type, 'client backend') = 'client backend'
  AND pid <> pg_backend_pid() AND coalesce(application_name, '') NOT LIKE '{APPLICATION_NAME}%'
ORDER BY 1, 2
"""


async def identity(connections: Connections) -> ServerIdentity:
    """Ask the server who it is; see `backends.base.Backend.identity`."""
    async with connections.session(purpose="identity") as connection:
        row = await connection.fetchrow(_FACTS)
        assert row is not None  # noqa: S101 -- a SELECT without FROM has one row
        server = await _system_identifier(connection)
        warnings: list[str] = []
        if server is None:
            server = "unknown"
            warnings.append(
                "the role may not read the system identifier, so a clone cannot be told from its original"
            )
        if row["standby"]:
            warnings.append("the server is a standby and takes no writes")
        elif row["read_only"]:
            warnings.append("transactions are read-only by default")
        if not row["may_create"]:
            warnings.append("the role may not create schemas, so it cannot create the ledger")
        if not row["may_copy"]:
            warnings.append("the role may not create databases, so no copy can be made on this server")
        if row["foreign_tables"]:
            warnings.append(f"the role does not own {row['foreign_tables']} tables, which it cannot change")
        if not row["fsync"]:
            warnings.append("fsync is off, so a crash of the machine may lose what was committed")
        if connection.get_server_pid() != row["pid"]:
            # A pooler invents the process id that it gives to its client.
            warnings.append("a connection pooler stands before the server; locks need a direct connection")
    return ServerIdentity(
        product="PostgreSQL",
        version=row["version"].partition(" ")[0],
        server=server,
        database=row["database"],
        database_id=row["database_id"],
        topology="standby" if row["standby"] else "primary",
        transactions=True,
        writable=not row["standby"] and not row["read_only"] and row["may_create"],
        warnings=tuple(warnings),
    )


async def _system_identifier(connection: Connection) -> str | None:
    try:
        found: str = await connection.fetchval("SELECT system_identifier::text FROM pg_control_system()")
    except asyncpg.InsufficientPrivilegeError:
        return None
    return found


async def writers(connections: Connections) -> tuple[str, ...]:
    """Name the other client sessions of this database by application and address."""
    async with connections.session(purpose="writers") as connection:
        rows = await connection.fetch(_OTHERS)
    return tuple(f"{capped(row['application'], 60)} ({row['address']})" for row in rows)
