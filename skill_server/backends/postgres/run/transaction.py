"""One transaction of steps and their marks: short lock waits with retries, and a commit whose outcome is looked up."""

from collections.abc import Sequence

import stamina

from skill_server.backends.base import RunPolicy
from skill_server.backends.postgres import failures
from skill_server.backends.postgres.connection import Connection, Connections
from skill_server.backends.postgres.run import blockers, journal, measuring
from skill_server.errors import InDoubt, MigrationError, Refused
from skill_server.model.plan import Step

LOOK_UP_WITHIN_S = 20.0
_LOCK_TROUBLE = frozenset({failures.LOCK_NOT_AVAILABLE, failures.DEADLOCK_DETECTED})


async def run(connections: Connections, plan_id: str, steps: Sequence[Step], policy: RunPolicy) -> None:
    """Run the steps in one transaction; waiting for locks is tried again until the budget is used up.

    Raises:
        Refused: `lock-timeout`, with those who hold the locks; nothing is done.
        Failed: a statement failed; nothing is done.
        InDoubt: the answer to the commit was lost, and the server could not be asked again in time.
    """
    settings = {
        "lock_timeout": milliseconds(policy.lock_timeout_s),
        "statement_timeout": milliseconds(policy.statement_timeout_s),
        # Between two of our statements there is only the way to this process and back.
        "idle_in_transaction_session_timeout": "60s",
        "synchronous_commit": "on",
    }
    seen = blockers.Blockers()
    try:
        async for attempt in stamina.retry_context(
            on=_is_lock_trouble,
            attempts=None,
            timeout=policy.lock_budget_s,
            wait_initial=policy.lock_timeout_s / 2,
            wait_max=1.0,
            wait_jitter=policy.lock_timeout_s,
        ):
            with attempt:
                # A fresh session for each attempt holds no lock while it waits for the next.
                async with connections.session(purpose="running steps", settings=settings) as connection:
                    await _attempt(connections, connection, plan_id, steps, seen)
    except _LockTroubleError as error:
        raise Refused(
            "lock-timeout",
            f"the locks for {', '.join(step.id for step in steps)} were not free within {policy.lock_budget_s:g} s; "
            f"{seen.sentence()}",
            help="Wait until these sessions have ended, or ask their owners to end them, and run again.",
            detail={"blockers": list(seen.lines), "sqlstate": error.state},
        ) from error


class _LockTroubleError(Exception):
    """A lock was not free in time, or waiting for it ended in a deadlock; the transaction is rolled back."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def _is_lock_trouble(error: Exception) -> bool:
    return isinstance(error, _LockTroubleError)


async def _attempt(
    connections: Connections,
    connection: Connection,
    plan_id: str,
    steps: Sequence[Step],
    seen: blockers.Blockers,
) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        transaction_id: str = await connection.fetchval("SELECT pg_current_xact_id()::text")
        # A deferred constraint's pending check would refuse the next ALTER TABLE.
        await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        async with seen.watching(connections, await connection.fetchval("SELECT pg_backend_pid()")):
            measured = await measuring.begin(connection)
            for step in steps:
                await _step(connection, plan_id, step, measured)
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    try:
        await transaction.commit()
    except failures.DRIVER_ERRORS as error:
        if not failures.is_connection_loss(error):
            raise failures.failed(error, "committing") from error
        await _look_up(connections, transaction_id, steps, error)


async def _step(connection: Connection, plan_id: str, step: Step, measured: measuring.Measuring) -> None:
    try:
        for statement in step.forward.statements:
            # `fetch` uses the extended protocol, in which the server refuses a second statement after a semicolon.
            await connection.fetch(statement.text)
        measure = await measured.step()
        await journal.put(connection, plan_id, step.id, journal.DONE, measure.detail())
    except failures.DRIVER_ERRORS as error:
        if failures.sqlstate(error) in _LOCK_TROUBLE:
            raise _LockTroubleError(failures.sqlstate(error)) from error
        raise failures.failed(error, f"step {step.id}") from error


async def _look_up(
    connections: Connections, transaction_id: str, steps: Sequence[Step], lost: BaseException
) -> None:
    """Ask the server how the transaction ended whose answer was lost; return where it was committed."""
    status: str | None = None
    try:
        async for attempt in stamina.retry_context(on=_is_open, timeout=LOOK_UP_WITHIN_S, attempts=None):
            with attempt:
                async with connections.session(purpose="looking up a commit") as connection:
                    status = await connection.fetchval(
                        "SELECT pg_xact_status($1::text::xid8)", transaction_id
                    )
                if status == "in progress":
                    raise _StillRunningError
    except (_StillRunningError, MigrationError):
        status = None
    if status == "committed":
        return
    names = ", ".join(step.id for step in steps)
    if status == "aborted":
        raise failures.failed(lost, f"committing {names}") from lost
    raise InDoubt(
        "commit-outcome-unknown",
        f"the connection was lost while {names} were committing, and the server did not say how that ended",
        help="Ask migration_status what was applied before running anything again.",
        next_tool="migration_status",
    ) from lost


class _StillRunningError(Exception):
    """The server has not noticed yet that the session is gone."""


def _is_open(error: Exception) -> bool:
    return isinstance(error, _StillRunningError | MigrationError)


def milliseconds(seconds: float) -> str:
    """Return a time as PostgreSQL reads it; never 0, which would mean without end."""
    return f"{max(1, round(seconds * 1000))}ms"
