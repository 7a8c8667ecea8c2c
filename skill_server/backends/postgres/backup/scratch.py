"""Scratch databases: made here, marked as such, and the only ones that are ever dropped.

Both the prefix of the name and a mark in the database's comment are asked for; the mark holds the name, so that
neither a rename nor a copy of the comment makes a scratch database of another one.

A comment comes one statement after the database. Until then the database itself bears a sign: it is made closed to
everybody, with a limit of connections that is a number made of its name. What a crash leaves in between is known by
both, and was never entered by anybody.
"""

import hashlib
import re
from typing import Literal

import asyncpg
from pydantic import ValidationError

from skill_server.backends.base import SCRATCH_PREFIX
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.identifiers import quoted
from skill_server.errors import Refused
from skill_server.model.base import Frozen, JsonObject

# A server that does not know the setting, or was built without the system call, has no such line.
_SHARE_BLOCKS = """
SELECT set_config(name, 'clone', false) FROM pg_settings WHERE name = 'file_copy_method' AND 'clone' = ANY (enumvals)
"""
_NAME = re.compile(re.escape(SCRATCH_PREFIX) + r"[A-Za-z0-9_]{1,50}")
_FOUND = """
SELECT datname AS name, shobj_description(oid, 'pg_database') AS comment, datallowconn AS open,
    datconnlimit AS connections
FROM pg_database """


class _Comment(Frozen):
    product: Literal["database-migration"] = "database-migration"
    scratch: str
    detail: JsonObject


async def copy_from(connections: Connections, template: str, *, gently: bool = False) -> None:
    """Create this database as a copy of another scratch database that nobody uses.

    By copied files where the server offers the choice (15 and newer): far faster than through the log, at the price
    of two checkpoints, which everybody on the server feels; `gently` goes through the log. From 18 the files may share
    their blocks, where the file system lets them (manual, `file_copy_method`).

    Raises:
        Refused: either name or mark is not scratch (`not-scratch`), this database exists (`database-exists`), or
            somebody uses the template (`template-in-use`).
    """
    name = require_scratch_name(connections.database)
    async with connections.maintenance(purpose="copy") as connection:
        detail = await require_mark(connection, template)
        strategy = ""
        if connection.get_server_version().major >= 15:
            strategy = f" STRATEGY {'wal_log' if gently else 'file_copy'}"
        await connection.execute(_SHARE_BLOCKS)
        try:
            await connection.execute(
                f"CREATE DATABASE {quoted(name)} TEMPLATE {quoted(template)}{strategy} {newborn(name)}"
            )
        except asyncpg.DuplicateDatabaseError as error:
            raise exists(name) from error
        except asyncpg.ObjectInUseError as error:
            raise Refused(
                "template-in-use",
                f"database {template!r} cannot be copied while somebody is connected to it",
                help="Close the sessions on it, then try again.",
            ) from error
        await mark(connection, name, detail)


async def keep_as_template(connections: Connections) -> None:
    """Refuse every connection to this database from now on, so that later copies of it are what was proven.

    Raises:
        Refused: it lacks the prefix or the mark (`not-scratch`).
    """
    name = require_scratch_name(connections.database)
    async with connections.maintenance(purpose="keep a template") as connection:
        await require_mark(connection, name)
        await connection.execute(f"ALTER DATABASE {quoted(name)} IS_TEMPLATE true ALLOW_CONNECTIONS false")


async def drop(connections: Connections) -> None:
    """Drop this database, whoever is connected to it; one that is gone already is fine.

    Raises:
        Refused: it lacks the prefix or the mark (`not-scratch`).
    """
    name = require_scratch_name(connections.database)
    async with connections.maintenance(purpose="drop") as connection:
        found = await connection.fetchrow(f"{_FOUND} WHERE datname = $1", name)
        if found is None:
            return
        if not _is_own(found):
            raise _not_scratch(name, "does not carry the mark of a scratch database")
        await drop_marked(connection, name)


async def drop_marked(connection: Connection, name: str) -> None:
    """Drop a database that the caller knows to be scratch."""
    if await connection.fetchval("SELECT datistemplate FROM pg_database WHERE datname = $1", name):
        # Only where it must be: a database whose dropping a crash cut off may be dropped, but no longer altered.
        await connection.execute(f"ALTER DATABASE {quoted(name)} IS_TEMPLATE false")
    await connection.execute(f"DROP DATABASE {quoted(name)} WITH (FORCE)")


async def scratch(connections: Connections) -> list[str]:
    """Name the server's databases that carry both the prefix and the mark, or are not yet marked as they were made."""
    return [found["name"] for found in await _named(connections) if _is_own(found)]


async def lookalikes(connections: Connections) -> list[str]:
    """Name the server's databases that carry the prefix alone, so that nothing here ever drops them."""
    return [found["name"] for found in await _named(connections) if not _is_own(found)]


async def oid(connections: Connections) -> str:
    """Return the oid of this database; nothing where there is none."""
    async with connections.maintenance(purpose="scratch") as connection:
        found: str | None = await connection.fetchval(
            "SELECT oid::text FROM pg_database WHERE datname = $1", connections.database
        )
    return found or ""


def newborn(name: str) -> str:
    """Return the words of CREATE DATABASE by which a scratch database is known until `mark` opens it."""
    return f"ALLOW_CONNECTIONS false CONNECTION LIMIT {_number(name)}"


async def mark(connection: Connection, name: str, detail: JsonObject) -> None:
    """Mark a database as scratch, with what its reader should know, and open it."""
    text = _Comment(scratch=name, detail=detail).model_dump_json()
    # COMMENT takes no parameters, so the server quotes the text itself.
    literal = await connection.fetchval("SELECT quote_literal($1::text)", text)
    async with connection.transaction():
        await connection.execute(f"COMMENT ON DATABASE {quoted(name)} IS {literal}")
        await connection.execute(f"ALTER DATABASE {quoted(name)} ALLOW_CONNECTIONS true CONNECTION LIMIT -1")


async def require_mark(connection: Connection, name: str) -> JsonObject:
    """Return what the mark of a scratch database says.

    Raises:
        Refused: it does not exist (`database-missing`), or lacks the prefix or the mark (`not-scratch`).
    """
    require_scratch_name(name)
    rows = await connection.fetch(
        "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1", name
    )
    if not rows:
        raise Refused(
            "database-missing", f"the server has no database {name!r}", help="Load a backup into it first."
        )
    detail = _read(name, rows[0]["comment"])
    if detail is None:
        raise _not_scratch(name, "does not carry the mark of a scratch database")
    return detail


def require_scratch_name(name: str) -> str:
    """Return a name that a scratch database may have.

    Raises:
        Refused: `not-scratch`.
    """
    if not _NAME.fullmatch(name):
        raise _not_scratch(name, f"does not have a name of {SCRATCH_PREFIX}, letters, digits and underscores")
    return name


def exists(name: str) -> Refused:
    """Say that a database to be created is there."""
    return Refused(
        "database-exists",
        f"the server already has a database {name!r}",
        help="Choose another name; nothing is ever restored over a database.",
    )


def _read(name: str, comment: str | None) -> JsonObject | None:
    try:
        found = _Comment.model_validate_json(comment or "")
    except ValidationError:
        return None
    return found.detail if found.scratch == name else None


async def _named(connections: Connections) -> list[asyncpg.Record]:
    async with connections.maintenance(purpose="scratch") as connection:
        return await connection.fetch(
            f"{_FOUND} WHERE starts_with(datname, $1) ORDER BY datname", SCRATCH_PREFIX
        )


def _is_own(found: asyncpg.Record) -> bool:
    if _read(found["name"], found["comment"]) is not None:
        return True
    is_newborn = not found["open"] and found["connections"] == _number(found["name"])
    return is_newborn and _NAME.fullmatch(found["name"]) is not None


def _number(name: str) -> int:
    """Return a limit of connections that nobody sets by hand, and no two names are likely to share."""
    return (1 << 30) + int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % (1 << 30)


def _not_scratch(name: str, why: str) -> Refused:
    return Refused(
        "not-scratch",
        f"database {name!r} {why}, so it is left alone",
        help="Drop it yourself if you are sure that nobody needs it.",
    )
