"""Where the server is and how to open a session on it; the URL stays inside."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import asyncpg

from skill_server.backends.postgres import failures
from skill_server.errors import Invalid, Refused

APPLICATION_NAME = "database-migration"
CONNECT_TIMEOUT_S = 15.0
CLOSE_TIMEOUT_S = 5.0

# What libpq and asyncpg both understand, with the variable that tells the client tools (manual, section 34.15).
# Options of SQLAlchemy and of other drivers are dropped: asyncpg would send them to the server as settings.
_VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}

# Everything that changes how the server prints a definition or a value. A search path without user schemas makes the
# server qualify every name it prints, so that a definition means the same wherever it runs.
_SETTINGS = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    # A policy must raise an error, never hide rows from a migration or a checksum.
    "row_security": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "lock_timeout": "0",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "300s",
    "client_min_messages": "warning",
}
_SINCE_14 = {"client_connection_check_interval": "200ms", "idle_session_timeout": "0"}

# The driver's class takes a parameter for type checkers only.
if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection


class Connections:
    """One database of one server; each session is a fresh connection, opened when asked for.

    Accepts `postgres://` and `postgresql://` URLs with any SQLAlchemy driver suffix.

    Raises:
        Invalid: the text is no such URL, or names no user or database (`url-not-understood`).
    """

    def __init__(self, url: str, *, database: str | None = None) -> None:
        self._host, self._port, self._user, self._password, named, self._options = _parts(url)
        self.database = database or named

    def __repr__(self) -> str:
        return f"Connections(database={self.database!r})"

    def at(self, database: str) -> "Connections":
        """Return the way to another database of the same server."""
        other = object.__new__(Connections)
        other.__dict__.update(self.__dict__, database=database)
        return other

    def url(self) -> str:
        """Return the whole URL, password and all: for a child process's environment, never for a sentence."""
        login = quote(self._user, safe="") + (f":{quote(self._password, safe='')}" if self._password else "")
        # As options host and port also hold sockets and lists, which the place of a URL cannot.
        options = {"host": self._host, "port": self._port, **self._options}
        return f"postgresql://{login}@/{quote(self.database, safe='')}?{urlencode(options)}"

    def environment(self) -> dict[str, str]:
        """Return the variables that point libpq's client tools here; the only safe place for the password."""
        found = {
            "PGHOST": self._host,
            "PGPORT": self._port,
            "PGUSER": self._user,
            "PGDATABASE": self.database,
            "PGAPPNAME": APPLICATION_NAME,
            "PGCONNECT_TIMEOUT": str(int(CONNECT_TIMEOUT_S)),
        }
        if self._password:
            found["PGPASSWORD"] = self._password
        return found | {_VARIABLES[option]: value for option, value in self._options.items()}

    def session(
        self, *, purpose: str, settings: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Connection]:
        """Open a session of its own that closes with the block; `settings` win over the pinned ones.

        Driver errors that leave the block are wrapped (see `failures.failed`).

        Raises:
            Refused: `server-unreachable`, `login-refused`, `database-missing`, `permission-denied`.
        """
        return self._session(self.database, purpose, settings or {})

    async def open(self, *, purpose: str) -> Connection:
        """Open a session that the caller ends with `end`, where a block must not touch its caller's errors."""
        return await self._open(self.database, purpose, {})

    @asynccontextmanager
    async def maintenance(self, *, purpose: str) -> AsyncGenerator[Connection]:
        """Open a session outside this database, as creating or dropping it needs."""
        connection = await self.open_outside(purpose=purpose)
        async with _closing(connection, purpose):
            yield connection

    async def open_outside(self, *, purpose: str) -> Connection:
        """Open a session outside this database that the caller ends with `end`; it survives what happens inside."""
        try:
            return await self._open("postgres", purpose, {})
        except Refused as error:
            # Only where it is missing for everybody: two roles must not hold the lock in two places.
            if error.code != "database-missing":
                raise
            return await self._open("template1", purpose, {})

    async def close(self) -> None:
        """Do nothing: no session outlives its block."""

    @asynccontextmanager
    async def _session(
        self, database: str, purpose: str, settings: Mapping[str, str]
    ) -> AsyncGenerator[Connection]:
        connection = await self._open(database, purpose, settings)
        async with _closing(connection, purpose):
            yield connection

    async def _open(self, database: str, purpose: str, settings: Mapping[str, str]) -> Connection:
        hosts = self._host.split(",")
        ports = [int(port) for port in self._port.split(",")]
        options = urlencode(self._options)
        try:
            connection: Connection = await asyncpg.connect(
                # The parts that need no secrecy or quoting care go as arguments; the options only fit in a DSN.
                f"postgresql://?{options}",
                host=hosts,
                port=ports if len(ports) == len(hosts) else ports * len(hosts),
                user=self._user,
                password=self._password,
                database=database,
                timeout=CONNECT_TIMEOUT_S,
                # A plan cached before our own DDL would fail after it.
                statement_cache_size=0,
                server_settings={"application_name": f"{APPLICATION_NAME} {purpose}"[:63]},
            )
            try:
                await _pin(connection, settings)
            except BaseException:
                # Whoever waits for it may be cancelled just now, and then nobody holds the session who could end it.
                connection.terminate()
                raise
        except (*failures.DRIVER_ERRORS, ValueError) as error:
            raise failures.unopened(error, database) from error
        return connection


async def _pin(connection: Connection, settings: Mapping[str, str]) -> None:
    wanted: dict[str, str] = dict(_SETTINGS)
    if connection.get_server_version().major >= 14:
        wanted |= _SINCE_14
    wanted |= settings
    # One round trip; set_config takes the value as an argument, so nothing has to be quoted.
    await connection.execute(
        "SELECT pg_catalog.set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s (name, value)",
        list(wanted),
        list(wanted.values()),
    )


@asynccontextmanager
async def _closing(connection: Connection, purpose: str) -> AsyncGenerator[None]:
    try:
        with failures.wrapped(purpose):
            yield
    finally:
        await end(connection)


async def end(connection: Connection) -> None:
    """End a session, politely where it still answers."""
    try:
        await connection.close(timeout=CLOSE_TIMEOUT_S)
    except failures.DRIVER_ERRORS:
        # The session is gone already, which is all that closing it wants.
        connection.terminate()


def _parts(url: str) -> tuple[str, str, str, str | None, str, dict[str, str]]:
    scheme, separator, rest = url.strip().partition("://")
    kind = scheme.partition("+")[0].lower()
    if not separator or kind not in {"postgres", "postgresql"}:
        raise _not_understood("it does not begin with postgresql://")
    try:
        split = urlsplit(f"postgresql://{rest}")
        query: dict[str, Any] = dict(parse_qsl(split.query, keep_blank_values=False))
    except ValueError as error:
        raise _not_understood("its parts cannot be told apart") from error
    login, _, place = split.netloc.rpartition("@")
    user, _, password = login.partition(":")
    hosts, ports = _places(place)
    host = query.get("host") or hosts
    port = query.get("port") or ports
    user = unquote(user) or query.get("user") or ""
    database = unquote(split.path.removeprefix("/")) or query.get("dbname") or query.get("database") or ""
    if not user or not database:
        raise _not_understood("it names no " + ("database" if user else "user"))
    if not all(part.isdecimal() for part in port.split(",")):
        raise _not_understood("its port is not a number")
    options = {name: query[name] for name in _VARIABLES if name in query}
    if "ssl" in query and "sslmode" not in options:
        # The spelling of SQLAlchemy's asyncpg dialect.
        options["sslmode"] = "require" if query["ssl"].lower() == "true" else query["ssl"]
    return host, port, user, unquote(password) or query.get("password") or None, database, options


def _places(netloc: str) -> tuple[str, str]:
    hosts: list[str] = []
    ports: list[str] = []
    for place in netloc.split(","):
        bracket, _, after = place.rpartition("]")
        if bracket:
            hosts.append(bracket.removeprefix("["))
            ports.append(after.removeprefix(":") or "5432")
        else:
            host, _, port = place.partition(":")
            hosts.append(unquote(host) or "localhost")
            ports.append(port or "5432")
    return ",".join(hosts), ",".join(ports)


def _not_understood(reason: str) -> Invalid:
    return Invalid(
        "url-not-understood",
        f"the PostgreSQL URL cannot be used: {reason}",
        help="Write postgresql://user:password@host:5432/database.",
    )
