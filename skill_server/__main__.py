"""The command line, also as `python -m skill_server`; a migration file hands itself over here."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line; without a command, serve MCP. The process ends here."""
    from skill_server.cli.main import cli

    if len(sys.argv) == 1 and not sys.stdin.isatty():
        # MCP clients start the bare module; a person without a command gets the help.
        sys.argv.append("serve")
    try:
        cli()
    except SystemExit as end:
        _leave(end)


def _leave(end: SystemExit) -> None:
    """End the process at once where nothing is left to say.

    Otherwise the interpreter joins PyMongo's monitoring threads, which sleep half a second at a time even after their
    client was closed; that doubled the time of a small command.
    """
    if end.code is not None and not isinstance(end.code, int):
        raise end
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(end.code or 0)


def run_file(file: str) -> int:
    """Apply one migration file through the same gates as every tool: `python migrations/2026..._x.py [--plan-id ID]`.

    The file's folder lies in the project; its revision is its name. It is read as data, never as a program.
    """
    from skill_server.cli.main import cli

    path = Path(file).resolve()
    root = next((folder for folder in path.parents if _is_project_of(folder, path)), None)
    if root is None:
        # A copy elsewhere must not stand for the project's own file of the same name.
        sys.stderr.write(f"{path.name} does not lie in the migrations folder of a configured project\n")
        return 1
    arguments = ["--project", str(root), "run-upgrade", "--revision", path.stem, *sys.argv[1:]]
    cli.main(arguments, prog_name="database-migration")
    return 0


def _is_project_of(folder: Path, file: Path) -> bool:
    from skill_server.errors import MigrationError
    from skill_server.settings import load

    try:
        settings = load(folder)
    except MigrationError:
        # Its configuration cannot be read; the command line says what is wrong with it.
        return file.is_relative_to(folder / "migrations")
    return settings.configured and settings.migrations == file.parent


if __name__ == "__main__":
    main()
