"""`database-migration serve`: speak MCP on standard input and output."""

from pathlib import Path

import click


@click.command("serve", short_help="Serve the tools over MCP")
@click.pass_obj
def command(project: Path | None) -> None:
    """Serve the tools over MCP on standard input and output.

    It starts and lists its tools even where nothing is configured; each call then says what to do.
    """
    from skill_server import server

    server.serve(project)
