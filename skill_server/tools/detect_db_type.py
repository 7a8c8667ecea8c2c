"""Stage detect: say which databases a target has, and leave the receipt that every other stage asks for."""

from typing import TYPE_CHECKING

from skill_server.model.base import JsonObject
from skill_server.model.progress import Progress, no_progress
from skill_server.tools import Result, TargetName

if TYPE_CHECKING:
    from skill_server.application.application import Application

TITLE = "Detect the databases"
DESCRIPTION = """\
Start every migration here: finds out which PostgreSQL and MongoDB servers a target has, their versions and topology,
and which of the two the application uses now (get_db_type). Use it first for "migrate", "database migration",
"schema change", "update database", "db migration", or for "which database is this?". Needs nothing but a configuration
(`database-migration init`). Leaves the detection receipt that the other tools ask for; on a first call it creates the
ledger (`database_migration`) in both databases. Next: inspect_schema, then generate_migration."""
READ_ONLY = False
DESTRUCTIVE = False
IDEMPOTENT = True
LONG = False
APPLIES = False


class DetectDbTypeResult(Result):
    """Both servers, and the backend that the application uses now."""

    environment: str
    active: str
    servers: dict[str, JsonObject]


async def detect_db_type(
    app: "Application", target: TargetName = None, progress: Progress = no_progress
) -> DetectDbTypeResult:
    """Ask both servers who they are and adopt the pair on first sight.

    Raises:
        Refused: a server cannot be reached or written, or a person must adopt the target.
        Conflict: the ledger belongs to another target or to other databases.
    """
    # Imported here because the application brings both drivers' rooms along.
    from skill_server.application import detecting
    from skill_server.application.views import shown

    found = await detecting.detect_databases(app, target)
    await progress(1, 1, "detected")
    servers: dict[str, JsonObject] = {
        kind: {
            "product": shown(server.product),
            "version": shown(server.version),
            "database": shown(server.database),
            "topology": server.topology,
            "transactions": server.transactions,
            "warnings": [shown(warning) for warning in server.warnings],
        }
        for kind, server in found.servers.items()
    }
    both = " and ".join(f"{server['product']} {server['version']}" for server in servers.values())
    return DetectDbTypeResult(
        tool="detect_db_type",
        target=found.target.name,
        summary=f"{found.target.name} ({found.identity.environment}) is {both}; the application uses {found.active}.",
        next_tool="inspect_schema",
        next_args={"target": found.target.name},
        environment=found.identity.environment,
        active=found.active,
        servers=servers,
    )
