"""What a client can read besides calling tools: the documents of migrations, and the checklist of every stage."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from pydantic import TypeAdapter, ValidationError

from skill_server.model.ids import Revision
from skill_server.workflow import WORKFLOW

if TYPE_CHECKING:
    from skill_server.application.application import Application

LONGEST_DOCUMENT = 200_000


def add_to(server: MCPServer, application: Callable[[], "Application"]) -> None:
    """Offer the resources on a server."""

    @server.resource(
        "migration://{revision}",
        name="migration",
        title="Document of a migration",
        description="A migration in words, with its SQL, MongoDB commands, locks, way back and checklist.",
        mime_type="text/markdown",
    )
    async def migration(revision: str) -> str:  # pyright: ignore[reportUnusedFunction] - registered by the decorator
        return document(application(), revision)

    @server.resource(
        "checklist://workflow",
        name="workflow-checklist",
        title="Checklist of the workflow",
        description="Every stage in order with its tool, and what must hold before it may run.",
        mime_type="application/json",
    )
    async def checklist() -> str:  # pyright: ignore[reportUnusedFunction] - registered by the decorator
        return workflow_checklist()


def document(app: "Application", revision: str) -> str:
    """Return the generated document of a migration.

    Raises:
        ResourceNotFoundError: there is no such revision, or it has no document.
    """
    try:
        TypeAdapter(Revision).validate_python(revision)
    except ValidationError as error:
        raise ResourceNotFoundError("no migration has such a name") from error
    page = app.settings.migrations / f"{revision}.md"
    if not page.is_file():
        raise ResourceNotFoundError(f"migration {revision} has no document; call review_migration")
    return page.read_text(encoding="utf-8")[:LONGEST_DOCUMENT]


def workflow_checklist() -> str:
    """Return every stage with its preconditions, as JSON."""
    # Imported here because the preconditions bring the whole ledger along.
    from skill_server.gate import preconditions

    known = preconditions.discovered()
    return json.dumps(
        [
            {
                "stage": stage.name,
                "tool": stage.tool,
                "requires": [
                    {"id": name, "title": known[name].title, "duty": known[name].duty}
                    for name in stage.requires
                ],
                "leaves": stage.leaves,
            }
            for stage in WORKFLOW
        ],
        indent=1,
    )
