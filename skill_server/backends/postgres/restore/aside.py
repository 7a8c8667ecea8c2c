"""The databases that restores put aside: how they are called, and which there are."""

from datetime import UTC, datetime

from skill_server.backends.postgres.connection import Connections
from skill_server.backends.replacing import KeptThing
from skill_server.model.ids import LONGEST_NAME_BYTES

_MARK = "_replaced_"
_MOMENT = "%Y%m%dT%H%M%SZ"
# A server may hold databases that the role may not connect to, and those have no size for it.
_ASIDE = """
SELECT datname AS name, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 END AS bytes
FROM pg_database WHERE starts_with(datname, $1) AND substr(datname, length($1) + 1) ~ '^[0-9]{8}T[0-9]{6}Z$'
ORDER BY datname"""


def new_name(live: str) -> str:
    """Return the name that the old content of a database gets now."""
    return f"{_stem(live)}{datetime.now(UTC).strftime(_MOMENT)}"


async def replaced(connections: Connections) -> tuple[KeptThing, ...]:
    """List what restores of this database put aside; its records are not counted."""
    async with connections.maintenance(purpose="replaced") as connection:
        rows = await connection.fetch(_ASIDE, _stem(connections.database))
    return tuple(KeptThing(name=row["name"], records=0, size_bytes=row["bytes"]) for row in rows)


def _stem(live: str) -> str:
    room = LONGEST_NAME_BYTES - len(_MARK) - len(datetime.now(UTC).strftime(_MOMENT))
    return live.encode()[:room].decode(errors="ignore") + _MARK
