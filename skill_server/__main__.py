"""The command line, also as `python -m skill_server`; a migration file hands itself over here."""

import sys
from pathlib import Path


def main() -> None:
    """Run the command line; without a command, serve MCP."""
    from skill_server.cli.main import cli

    if len(sys.argv) == 1 and not sys.stdin.isatty():
        # MCP clients start the bare module; a person without a command gets the help.
        sys.argv.append("serve")
    cli()


def run_file(file: str) -> int:
    """Apply one migration file through the same gates as every tool: `python migrations/2026..._x.py [--plan-id ID]`.

    The file's folder lies in the project; its revision is its name. It is read as data, never as a program.
    """
    from skill_server.cli.main import cli

    path = Path(file).resolve()
    root = next((folder for folder in path.parents if _is_project(folder)), path.parent.parent)
    arguments = ["--project", str(root), "run-upgrade", "--revision", path.stem, *sys.argv[1:]]
    cli.main(arguments, prog_name="database-migration")
    return 0


def _is_project(folder: Path) -> bool:
    return (folder / "database-migration.toml").is_file() or (folder / "pyproject.toml").is_file()


if __name__ == "__main__":
    main()
