"""Long calls, each with an id to ask for, while the server lives."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from pydantic import AwareDatetime

from skill_server.backends.base import Progress
from skill_server.errors import MigrationError, Refused
from skill_server.model.base import Frozen

REMEMBERED = 200


class Operation(Frozen):
    """What is known of one long call; `share` is how much is done, from 0 to 100."""

    id: str
    tool: str
    target: str | None
    state: str
    share: float = 0
    message: str = ""
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    code: str | None = None
    summary: str | None = None


class Operations:
    """The operations of this server process, newest last."""

    def __init__(self) -> None:
        self._known: dict[str, Operation] = {}

    def get(self, operation_id: str, target: str | None = None) -> Operation:
        """Return an operation, of a certain target if one is named.

        Raises:
            Refused: this server never ran it (`operation-unknown`).
        """
        operation = self._known.get(operation_id)
        if operation is None or target not in (None, operation.target):
            raise Refused(
                "operation-unknown",
                f"this server process knows no operation {operation_id}",
                help="Call migration_status; the ledger holds what earlier processes did.",
                next_tool="migration_status",
            )
        return operation

    def all(self) -> tuple[Operation, ...]:
        """Return every remembered operation, newest first."""
        return tuple(reversed(self._known.values()))

    def _forget_the_oldest(self) -> None:
        """Keep the newest; one that still runs is never forgotten, since it goes on reporting."""
        over = len(self._known) - REMEMBERED
        ended = [key for key, operation in self._known.items() if operation.state != "running"]
        for key in ended[: max(0, over)]:
            del self._known[key]

    @asynccontextmanager
    async def run(
        self, tool: str, target: str | None, report: Progress
    ) -> AsyncGenerator[tuple[str, Progress]]:
        """Register a call for its length; yield its id and the progress to report to."""
        operation = Operation(
            id=secrets.token_hex(6), tool=tool, target=target, state="running", began_at=datetime.now(UTC)
        )
        self._known[operation.id] = operation
        self._forget_the_oldest()

        def update(**words: object) -> None:
            self._known[operation.id] = self._known[operation.id].model_copy(update=words)

        async def progress(done: float, total: float | None, message: str) -> None:
            share = round(100 * done / total, 1) if total else 0.0
            # Clients drop progress that does not rise (MCP specification, progress).
            if share > self._known[operation.id].share:
                update(share=share, message=message)
                await report(share, 100, message)

        try:
            yield operation.id, progress
        except MigrationError as error:
            update(
                state="refused" if error.state == "untouched" else "failed",
                code=error.code,
                summary=error.message,
            )
            raise
        except BaseException as error:
            # Cut off or broken: `ended` would sound as if it had succeeded.
            update(state="interrupted", summary=type(error).__name__)
            raise
        finally:
            if self._known[operation.id].state == "running":
                update(state="ended")
            update(ended_at=datetime.now(UTC))
