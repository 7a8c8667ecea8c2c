"""The commands by name, each imported only when it is called, so that a small command starts fast."""

import importlib
import pkgutil
from pathlib import Path

import click

from skill_server import __version__

# Commands that are no tools: they set up, serve, show, put files in line, or give a person's word.
OWN = (
    "init",
    "serve",
    "demo",
    "doctor",
    "adopt",
    "baseline",
    "merge",
    "approve",
    "status",
    "backups",
    "backup-key",
)
TOOLS = Path(__file__).parent.parent / "tools"


class Commands(click.Group):
    """Own commands first, then one for each tool with dashes in its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*OWN, *(name.replace("_", "-") for name in tool_names())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name in OWN:
            command: click.Command = importlib.import_module(
                f"skill_server.cli.{cmd_name.replace('-', '_')}"
            ).command
            return command
        tool = cmd_name.replace("-", "_")
        if tool in tool_names():
            from skill_server.cli import tool_command

            return tool_command.build(tool)
        return None


def tool_names() -> list[str]:
    """Return the names of the tools by listing their room, without importing any."""
    return [
        module.name
        for module in pkgutil.iter_modules([str(TOOLS)])
        if not module.ispkg and not module.name.startswith("_") and _is_tool(module.name)
    ]


def _is_tool(name: str) -> bool:
    return f"async def {name}(" in (TOOLS / f"{name}.py").read_text(encoding="utf-8")


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="database-migration")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="The project's folder; by default the current one, or DATABASE_MIGRATION_PROJECT.",
)
@click.pass_context
def cli(ctx: click.Context, project: Path | None) -> None:
    """Change the schema of a live PostgreSQL and MongoDB pair without losing a byte.

    Start with `init`, then `doctor`. Every change goes through the same gates here as through an assistant.
    """
    ctx.obj = project
