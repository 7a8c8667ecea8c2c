"""`database-migration init`: look at the project, propose a configuration, ask for the rest, write it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import tomli_w

from skill_server.errors import MigrationError
from skill_server.settings import CONFIGURATION_FILE, STATE_DIRECTORY, load

_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", "migrations", STATE_DIRECTORY})
_TABLE = re.compile(r"__tablename__\s*=\s*[\"'](\w+)[\"']")
_LITERAL = re.compile(r"[\"']([A-Za-z_]\w*)[\"']")
_VARIABLE = re.compile(r"(?:environ(?:\.get)?|getenv)\s*[\[(]\s*[\"']([A-Z][A-Z0-9_]*)[\"']")


@click.command("init", short_help="Write the configuration")
@click.option("--yes", is_flag=True, help="Take what was found and ask nothing.")
@click.option("--embedded", is_flag=True, help="Add a target on servers that this product starts itself.")
@click.pass_obj
def command(project: Path | None, yes: bool, embedded: bool) -> None:
    """Write database-migration.toml with what was found in the project, and ask for the rest."""
    try:
        settings = load(project)
    except MigrationError as error:
        # What is there cannot be read, so it is not replaced either.
        raise click.ClickException(str(error)) from error
    root = settings.root
    file = root / CONFIGURATION_FILE
    if settings.configured or file.is_symlink():
        raise click.ClickException(f"{_configured_in(root)} is there already; edit it instead")
    found = proposed(root)
    if not yes:
        _asked(found)
    if embedded:
        found["targets"]["embedded"] = {"environment": "development", "embedded": True}
        found["default_target"] = "embedded"
    with file.open("xb") as stream:
        tomli_w.dump(found, stream)
    _ignore_state(root)
    click.echo(f"wrote {CONFIGURATION_FILE}: read it once, then run `database-migration doctor`")


def proposed(root: Path) -> dict[str, Any]:
    """Return a configuration made from what lies in the project: models, code, tests, variables and names."""
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in _sources(root)}
    everything = "\n".join(texts.values())
    tables = sorted({name for text in texts.values() for name in _TABLE.findall(text)})
    models = sorted(
        {str(path.parent.relative_to(root)) for path, text in texts.items() if _TABLE.search(text)}
    )
    variables = set(_VARIABLE.findall(everything))
    found: dict[str, Any] = {"default_target": "development", "migrations": "migrations"}
    if models:
        found["models"] = models[0]
    found["code"] = sorted({path.relative_to(root).parts[0] for path in texts if _is_code(path, root)})
    if (root / "tests").is_dir():
        found["test_command"] = ["python", "-m", "pytest", "-q", "tests"]
    found["names"] = {
        table: {"mongodb": collection}
        for table in tables
        if (collection := _collection(table, set(_LITERAL.findall(everything)))) != table
    }
    found["targets"] = {
        "development": {
            "environment": "development",
            "postgres": _variable(variables, ("DATABASE_URL", "POSTGRES_URL", "SQLALCHEMY_DATABASE_URI")),
            "mongodb": _variable(variables, ("MONGO_URI", "MONGODB_URI", "MONGODB_URL", "MONGO_URL")),
            "db_type": _variable(variables, ("DB_TYPE", "DATABASE_TYPE")),
        }
    }
    return found


def _configured_in(root: Path) -> str:
    own = root / CONFIGURATION_FILE
    return (
        CONFIGURATION_FILE
        if own.exists() or own.is_symlink()
        else "[tool.database-migration] in pyproject.toml"
    )


def _asked(found: dict[str, Any]) -> None:
    found["models"] = click.prompt("Folder of the models", default=found.get("models", "app/models"))
    target = found["targets"]["development"]
    for name, words in (
        ("postgres", "Environment variable with the PostgreSQL URL"),
        ("mongodb", "Environment variable with the MongoDB URL"),
        ("db_type", "Environment variable that chooses the active database"),
    ):
        target[name] = click.prompt(words, default=target[name])
    kinds = click.Choice(["development", "staging", "production"])
    target["environment"] = click.prompt("What class are these databases", type=kinds, default="development")
    for table, names in found["names"].items():
        names["mongodb"] = click.prompt(f"MongoDB's name for {table}", default=names["mongodb"])


def _sources(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*.py")):
        if not _SKIPPED & set(path.relative_to(root).parts) and path.is_file() and not path.is_symlink():
            yield path


def _is_code(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    return len(parts) > 1 and parts[0] not in {"tests", "docs"}


def _collection(table: str, literals: set[str]) -> str:
    """Guess the collection of a table: the first singular form that the code names, else the table's own name."""
    singular = re.sub(r"ies$", "y", table) if table.endswith("ies") else table.removesuffix("s")
    return next((name for name in (singular, singular.rsplit("_", 1)[-1]) if name in literals), table)


def _variable(found: set[str], usual: tuple[str, ...]) -> str:
    return next((name for name in usual if name in found), usual[0])


def _ignore_state(root: Path) -> None:
    """Keep backups out of the project's history; they hold every value of the databases."""
    file = root / ".gitignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    if f"{STATE_DIRECTORY}/" not in lines:
        file.write_text("\n".join([*lines, f"{STATE_DIRECTORY}/", ""]), encoding="utf-8")
