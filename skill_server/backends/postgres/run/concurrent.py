"""One step outside of transactions: index builds and drops that let others write, and what they may leave behind."""

from skill_server.backends.base import RunPolicy
from skill_server.backends.postgres import failures
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.run import journal, measuring
from skill_server.backends.postgres.run.transaction import milliseconds
from skill_server.backends.postgres.schema import definitions
from skill_server.errors import Failed, InDoubt, Refused
from skill_server.model.plan import Statement, Step

_FOUND = """
SELECT i.indisvalid AND i.indisready AS valid, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index AS i WHERE i.indexrelid = to_regclass($1)
"""


async def run(connections: Connections, plan_id: str, step: Step, policy: RunPolicy) -> None:
    """Run a concurrent step; running it again after any interruption comes to the same end.

    Raises:
        Refused: another index has the name (`index-exists`).
        Failed: the server refused a statement; an invalid index was dropped again.
        InDoubt: the connection was lost half-way.
    """
    settings = {
        # A short lock timeout would cancel the build because of an unrelated long reader and leave an invalid index.
        "lock_timeout": "0",
        "statement_timeout": milliseconds(policy.statement_timeout_s),
        "synchronous_commit": "on",
    }
    async with connections.session(purpose="running steps", settings=settings) as connection:
        try:
            await journal.put(connection, plan_id, step.id, journal.RUNNING)
            measured = await measuring.begin(connection)
            for statement in step.forward.statements:
                await _statement(connection, step, statement)
            # Its locks ended with each statement; all were of the modes that let others read and write.
            measure = await measured.step()
            await journal.put(connection, plan_id, step.id, journal.DONE, measure.detail())
        except failures.DRIVER_ERRORS as error:
            if not failures.is_connection_loss(error):
                raise failures.failed(error, f"step {step.id}") from error
            raise InDoubt(
                "step-outcome-unknown",
                f"the connection was lost during step {step.id}",
                help="Run the same plan again; it looks at what is there first.",
            ) from error


async def _statement(connection: Connection, step: Step, statement: Statement) -> None:
    match statement.command:
        case {"operation": "build_index", "index": str(index)}:
            await _build(connection, step, statement.text, index)
        case {"operation": "drop_index", "index": str(index)}:
            # Gone already where an earlier run was interrupted between the drop and its mark.
            if await _find(connection, index) is not None:
                await connection.fetch(statement.text)
        case _:
            await connection.fetch(statement.text)


async def _build(connection: Connection, step: Step, text: str, index: str) -> None:
    found = await _find(connection, index)
    if found is not None and found[0]:
        if _plain(definitions.concurrently(found[1])) == _plain(text):
            return
        if _plain(await _printed(connection, text)) == _plain(found[1]):
            return
        raise Refused(
            "index-exists",
            f"another index is named {index}: {failures.capped(found[1])}",
            help="Drop or rename that index.",
        )
    await _drop_remains(connection, index)
    try:
        await connection.fetch(text)
    except failures.DRIVER_ERRORS:
        if not connection.is_closed():
            await _drop_remains(connection, index)
        raise
    built = await _find(connection, index)
    if built is None or not built[0]:
        raise Failed(
            "index-invalid",
            f"step {step.id} ended, but the index {index} is not valid",
            help="Run the same plan again; it drops the remains first.",
        )


async def _find(connection: Connection, index: str) -> tuple[bool, str] | None:
    row = await connection.fetchrow(_FOUND, index)
    return None if row is None else (row["valid"], row["definition"])


async def _drop_remains(connection: Connection, index: str) -> None:
    found = await _find(connection, index)
    if found is not None and not found[0]:
        await connection.fetch(f"DROP INDEX CONCURRENTLY {index}")


async def _printed(connection: Connection, text: str) -> str:
    """Return a statement that builds an index as the server would print the index, asking it with an empty table."""
    place = definitions.table_of(text)
    empty = "pg_temp.database_migration_empty"
    statement = text.replace(f" ON {place} USING ", f" ON {empty} USING ", 1)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"CREATE TEMPORARY TABLE {empty.partition('.')[2]} (LIKE {place})")
        await connection.execute(statement.replace("INDEX CONCURRENTLY", "INDEX", 1))
        printed: str = await connection.fetchval(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass($1)", empty
        )
    finally:
        await transaction.rollback()
    return printed.replace(f" ON {definitions.table_of(printed)} USING ", f" ON {place} USING ", 1)


def _plain(definition: str) -> str:
    # The server quotes only the names that need it; we quote all.
    return definition.replace('"', "")
