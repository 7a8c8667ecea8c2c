"""`database-migration approve PLAN`: a person reads the question and signs it with an SSH key."""

from pathlib import Path
from typing import Any

import anyio.to_thread
import click

from skill_server.application import planning
from skill_server.application.application import Application
from skill_server.application.approving import approve_by_signature
from skill_server.application.planning import Proposal
from skill_server.application.session import Session
from skill_server.backends.base import Progress
from skill_server.cli import running


@click.command("approve", short_help="Approve a plan with an SSH key")
@click.argument("plan_id")
@click.option("--target", default=None, help="The target's name in the configuration.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=lambda: Path("~/.ssh/id_ed25519").expanduser(),
    show_default="~/.ssh/id_ed25519",
    help="Your SSH key; its public half is in the server's list of allowed signers.",
)
@click.option("--yes", is_flag=True, help="Do not ask; the signature itself is the consent.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(
    project: Path | None,
    plan_id: str,
    target: str | None,
    key: Path,
    yes: bool,
    as_json: bool,
) -> None:
    """Read what a plan does and approve it with your SSH signature: one plan, once, for a few hours."""

    async def work(app: Application, _report: Progress) -> dict[str, Any]:
        session = await app.session(target)
        proposal = planning.recall(session, plan_id)
        await _consented(proposal, yes=yes)
        return await _signed(session, proposal, key)

    running.run(project, work, as_json=as_json)


async def _consented(proposal: Proposal, *, yes: bool) -> None:
    click.echo(proposal.question, err=True)
    if not yes:
        await anyio.to_thread.run_sync(lambda: click.confirm("Apply this plan?", abort=True, err=True))


async def _signed(session: Session, proposal: Proposal, key: Path) -> dict[str, Any]:
    event = await approve_by_signature(session, proposal, key)
    return {
        "ok": True,
        "summary": f"plan {proposal.plan.id} approved by {event.body['identity']}",
    }
