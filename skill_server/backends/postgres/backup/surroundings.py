"""What PostgreSQL keeps about a database outside of it: owner, privileges, settings, comment, connection limit."""

from typing import NamedTuple

from skill_server.backends.postgres.connection import Connection
from skill_server.backends.postgres.identifiers import quoted

# Lists of names are stored flattened; as one literal they would become a single odd name (guc.h, GUC_LIST_QUOTE).
_NAME_LISTS = frozenset(
    {
        "search_path",
        "temp_tablespaces",
        "local_preload_libraries",
        "session_preload_libraries",
        "shared_preload_libraries",
        "unix_socket_directories",
    }
)
_DATABASE = """
SELECT oid, datconnlimit AS connections, pg_get_userbyid(datdba) AS owner, datacl IS NOT NULL AS granted,
    shobj_description(oid, 'pg_database') AS comment
FROM pg_database WHERE datname = $1"""
_SETTINGS = """
SELECT CASE setrole WHEN 0 THEN NULL ELSE pg_get_userbyid(setrole) END AS role,
    split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
FROM pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS entry WHERE setdatabase = $1"""
_GRANTS = """
SELECT CASE grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(grantee) END AS grantee, privilege_type AS privilege,
    is_grantable AS grantable
FROM pg_database CROSS JOIN LATERAL aclexplode(datacl) WHERE oid = $1"""


class _Setting(NamedTuple):
    role: str | None
    name: str
    value: str


class _Grant(NamedTuple):
    grantee: str | None
    privilege: str
    grantable: bool


class Surroundings(NamedTuple):
    """All of it, read from one database and given to another."""

    owner: str
    connections: int
    comment: str | None
    granted: bool
    grants: tuple[_Grant, ...]
    settings: tuple[_Setting, ...]

    @classmethod
    async def read(cls, connection: Connection, database: str) -> "Surroundings":
        """Read them from the catalogs that all databases share."""
        (row,) = await connection.fetch(_DATABASE, database)
        return cls(
            row["owner"],
            row["connections"],
            row["comment"],
            row["granted"],
            tuple(_Grant(*grant) for grant in await connection.fetch(_GRANTS, row["oid"])),
            tuple(_Setting(*setting) for setting in await connection.fetch(_SETTINGS, row["oid"])),
        )

    async def give(self, connection: Connection, database: str) -> None:
        """Give them to a database, in the transaction that the session is in; connections are allowed afterwards."""
        name = quoted(database)
        await connection.execute(f"ALTER DATABASE {name} OWNER TO {quoted(self.owner)}")
        await connection.execute(
            f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true IS_TEMPLATE false CONNECTION LIMIT {self.connections}"
        )
        comment = "NULL" if self.comment is None else await _literal(connection, self.comment)
        await connection.execute(f"COMMENT ON DATABASE {name} IS {comment}")
        if self.granted:
            # Without a list of its own a database has default privileges, which must not add to the given ones.
            await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC, {quoted(self.owner)}")
        for grant in self.grants:
            grantee = "PUBLIC" if grant.grantee is None else quoted(grant.grantee)
            option = " WITH GRANT OPTION" if grant.grantable else ""
            await connection.execute(f"GRANT {grant.privilege} ON DATABASE {name} TO {grantee}{option}")
        await self.give_settings(connection, database)

    async def give_settings(self, connection: Connection, database: str) -> None:
        """Give the settings alone, in the transaction that the session is in."""
        name = quoted(database)
        # Name lists come last, because they are set in this session first: `FROM CURRENT` copies them exactly.
        for setting in sorted(self.settings, key=lambda setting: setting.name in _NAME_LISTS):
            whose = f"DATABASE {name}"
            if setting.role is not None:
                whose = f"ROLE {quoted(setting.role)} IN {whose}"
            parameter = ".".join(quoted(part) for part in setting.name.split("."))
            if setting.name in _NAME_LISTS:
                await connection.execute("SELECT set_config($1, $2, true)", setting.name, setting.value)
                await connection.execute(f"ALTER {whose} SET {parameter} FROM CURRENT")
            else:
                value = await _literal(connection, setting.value)
                await connection.execute(f"ALTER {whose} SET {parameter} TO {value}")


async def _literal(connection: Connection, text: str) -> str:
    # These commands take no parameters, so the server quotes the text itself.
    literal: str = await connection.fetchval("SELECT quote_literal($1::text)", text)
    return literal
