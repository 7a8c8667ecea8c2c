"""Finding the one row of a batch that the server refuses, because nobody finds it among many without its key."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from skill_server.backends.postgres import failures
from skill_server.backends.postgres.connection import Connection
from skill_server.errors import Failed

# A value that a type refuses, and one that a constraint refuses (manual, appendix A).
_OF_A_ROW = ("22", "23")

Item = TypeVar("Item")


async def blaming(
    connection: Connection,
    items: Sequence[Item],
    write: Callable[[Sequence[Item]], Awaitable[int]],
    shown: Callable[[Item], str],
) -> int:
    """Write a batch; where the server refuses it for a value, try item by item and name the first that it refuses.

    Raises:
        Failed: `value-refused`, with the key of the record.
    """
    try:
        async with connection.transaction():
            return await write(items)
    except asyncpg.PostgresError as error:
        if not failures.sqlstate(error).startswith(_OF_A_ROW):
            raise
        for item in items:
            try:
                async with connection.transaction():
                    await write([item])
            except asyncpg.PostgresError as refused:
                raise Failed(
                    "value-refused",
                    f"PostgreSQL refused the new values of the record {shown(item)}: {failures.server_text(refused)}",
                    help="Correct the value, or what the constraint asks, then plan again.",
                    detail={"record": shown(item), "sqlstate": failures.sqlstate(refused)},
                ) from refused
        raise
