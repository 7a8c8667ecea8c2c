"""`database-migration baseline`: a person says which migrations the databases already have."""

from pathlib import Path
from typing import Any

import click

from skill_server.application.application import Application
from skill_server.application.baselining import baseline
from skill_server.backends.base import Progress
from skill_server.cli import running


@click.command("baseline", short_help="Say what was applied by other means")
@click.argument("revision", default="head")
@click.option("--target", default=None, help="The target's name in the configuration.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(project: Path | None, revision: str, target: str | None, as_json: bool) -> None:
    """Record the schemas as they are as those that REVISION leaves; by default the last one.

    For databases that were changed by other means before they got a ledger. Changes no schema and no record. Revisions
    up to this one count as applied; they have no way back but a restore.
    """
    if not as_json:
        click.confirm(
            f"Do you, a person, say that both databases are as revision {revision} leaves them?", abort=True
        )

    async def work(app: Application, _report: Progress) -> dict[str, Any]:
        session = await app.session(target, inspected=False)
        counted = await baseline(session, revision)
        told = f"{len(counted)} revisions count as applied" if counted else "there is no migration yet"
        summary = f"target {session.target.name}: the schemas as they are were recorded; {told}"
        return {"ok": True, "summary": summary, "applied": list(counted)}

    running.run(project, work, as_json=as_json)
