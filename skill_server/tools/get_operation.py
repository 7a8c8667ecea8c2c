"""Say how far a long call has come, or how it ended."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from skill_server.model.base import JsonObject
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Ask for an operation"
DESCRIPTION = """\
Say how far a long call (backup, rehearsal, upgrade, restore, verification) of this server process has come, or how it
ended. Use it when a client stopped waiting for an answer; ids are in the results and in migration_status. After a
restart of the server ask migration_status, which reads the ledger. Changes nothing."""
READ_ONLY = True
DESTRUCTIVE = False
IDEMPOTENT = True
LONG = False
APPLIES = False


class GetOperationResult(Result):
    """One operation as this server process knows it."""

    operation: JsonObject


async def get_operation(
    app: "Application",
    operation_id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$", description="as a result gave it")],
    target: TargetName = None,
    progress: Progress = no_progress,
) -> GetOperationResult:
    """Return an operation.

    Raises:
        Refused: this server process never ran it for that target (`operation-unknown`).
    """
    # Imported here because its neighbours bring both drivers' rooms along.
    from skill_server.application.views import shown

    operation = app.operations.get(operation_id, target)
    await progress(1, 1, "read")
    return GetOperationResult(
        tool="get_operation",
        target=operation.target,
        summary=f"{operation.tool} is {operation.state}, {operation.share:.0f} % done. "
        f"{shown(operation.summary or operation.message)}".strip(),
        next_tool="get_operation" if operation.state == "running" else "migration_status",
        next_args={"operation_id": operation_id} if operation.state == "running" else {},
        operation=operation.model_dump(mode="json"),
    )
