"""`database-migration backups`: every folder of backups here and at the destination, with what it is."""

from pathlib import Path
from typing import Any

import click

from skill_server.application.application import Application
from skill_server.backends.base import Progress
from skill_server.cli import running


@click.command("backups", short_help="List every folder of backups")
@click.option("--target", default=None, help="The target's name in the configuration.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(project: Path | None, target: str | None, as_json: bool) -> None:
    """List what lies in the backup folder and at the destination: proven, unproven, unfinished, damaged, of others.

    `status` lists the proven ones alone, with more words about each.
    """

    async def work(app: Application, _report: Progress) -> dict[str, Any]:
        from skill_server.application import listing

        found = await listing.folders(await app.session(target))
        summary = f"{len(found)} folders of backups" if found else "no folder of a backup anywhere"
        return {"ok": True, "summary": summary, "backups": [line.model_dump(mode="json") for line in found]}

    running.run(project, work, as_json=as_json)
