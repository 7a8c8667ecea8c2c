"""`database-migration merge`: make one line of migrations that were written side by side."""

from pathlib import Path
from typing import Any

import click

from skill_server.application.application import Application
from skill_server.application.merging import merge_heads
from skill_server.backends.base import Progress
from skill_server.cli import running


@click.command("merge", short_help="Put one branch of migrations behind another")
@click.option("--target", default=None, help="The target whose ledger says what is applied.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(project: Path | None, target: str | None, as_json: bool) -> None:
    """Let a migration that is not applied follow the last one of the other branch, and say which.

    Changes one line of that file. Its page is out of date then: review it again.
    """

    async def work(app: Application, _report: Progress) -> dict[str, Any]:
        session = await app.session(target, inspected=False)
        moved = merge_heads(session)
        told = "; ".join(f"{each.revision} follows {each.follows} now ({each.file})" for each in moved)
        return {
            "ok": True,
            "summary": told or "the migrations are one line already; nothing was changed",
            "moved": [each.model_dump(mode="json") for each in moved],
            "next_tool": "review_migration" if moved else None,
            "next_args": {"target": session.target.name} if moved else {},
        }

    running.run(project, work, as_json=as_json)
