"""What a backup and its copies will need of the server, asked before anything is written."""

from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.identifiers import quoted
from skill_server.errors import Refused
from skill_server.model.ids import LEDGER_NAME

_ROLE = "SELECT current_user::text AS name, rolsuper OR rolcreatedb AS may FROM pg_roles WHERE rolname = current_user"
# What belongs to an extension comes back with the extension, and the ledger is no part of a dump.
_UNREADABLE = f"""
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind = 'S' AS sequence,
       has_schema_privilege(n.oid, 'USAGE') AS entered,
       CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
            ELSE has_table_privilege(c.oid, 'SELECT') END AS readable
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', '{LEDGER_NAME}')
  AND NOT EXISTS (SELECT 1 FROM pg_depend AS d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  AND NOT (has_schema_privilege(n.oid, 'USAGE')
           AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
               ELSE has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) END)
ORDER BY 1, 2 LIMIT 1
"""


async def require_scratch_possible(connections: Connections) -> None:
    """Check that this server lets the role create databases; none is created.

    Raises:
        Refused: it does not (`permission-missing`), with the statement that grants it.
    """
    async with connections.maintenance(purpose="preflight") as connection:
        row = await connection.fetchrow(_ROLE)
    assert row is not None  # noqa: S101 -- the current role is one of the roles
    if not row["may"]:
        raise _missing(
            "the role may not create databases, so no backup could be proven and no change rehearsed",
            f"ALTER ROLE {quoted(row['name'])} CREATEDB",
        )


async def require_dumpable(connections: Connections) -> None:
    """Check that the role may read every row of every table that a dump holds.

    Raises:
        Refused: one cannot be read whole (`permission-missing`); the message names the first.
    """
    async with connections.session(purpose="preflight") as connection:
        row = await connection.fetchrow(_UNREADABLE)
        if row is None:
            return
        role = quoted(await _current_role(connection))
    schema, name = quoted(row["schema"]), f"{quoted(row['schema'])}.{quoted(row['name'])}"
    shown = f"{row['schema']}.{row['name']}"
    if not row["entered"]:
        raise _missing(
            f"the role may not use the schema of {shown}", f"GRANT USAGE ON SCHEMA {schema} TO {role}"
        )
    if not row["readable"]:
        of = "SEQUENCE" if row["sequence"] else "TABLE"
        raise _missing(f"the role may not read {shown}", f"GRANT SELECT ON {of} {name} TO {role}")
    raise _missing(f"row policies hide rows of {shown} from the role", f"ALTER ROLE {role} BYPASSRLS")


async def _current_role(connection: Connection) -> str:
    role: str = await connection.fetchval("SELECT current_user::text")
    return role


def _missing(fact: str, statement: str) -> Refused:
    return Refused(
        "permission-missing",
        fact,
        help=f"Let the server's owner run: {statement};",
        detail={"statement": statement},
    )
