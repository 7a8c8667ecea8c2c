"""`database-migration adopt`: a person binds a target's ledger to its databases."""

from pathlib import Path
from typing import Any

import click

from skill_server.application.application import Application
from skill_server.application.detecting import adopt_again
from skill_server.backends.base import Progress
from skill_server.cli import running


@click.command("adopt", short_help="Bind a target to its databases")
@click.option("--target", default=None, help="The target's name in the configuration.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(project: Path | None, target: str | None, as_json: bool) -> None:
    """Say that these databases are the target: for a new production target, and after a clone, move or restore.

    Receipts written before no longer count.
    """
    if not as_json:
        click.confirm("Do you, a person, say that the configured databases are this target?", abort=True)

    async def work(app: Application, _report: Progress) -> dict[str, Any]:
        found = await adopt_again(app, target)
        servers = ", ".join(f"{kind} {server.version}" for kind, server in found.servers.items())
        summary = f"target {found.target.name} adopted: {servers}"
        return {"ok": True, "summary": summary, "ledger": found.identity.ledger_id}

    running.run(project, work, as_json=as_json)
