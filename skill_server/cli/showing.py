"""What a person sees: tables and a progress bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import click

from skill_server.backends.base import Progress, no_progress

_MARKS = {"met": "yes", "unmet": "NO", "not_applicable": "-"}


@asynccontextmanager
async def progress(*, quiet: bool) -> AsyncGenerator[Progress]:
    """Yield a progress that draws a bar on a terminal and says nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("working", total=100)

        async def report(done: float, total: float | None, message: str) -> None:
            bar.update(task, completed=100 * done / total if total else 0, description=message[:60])

        yield report


def result(found: dict[str, Any]) -> None:
    """Print a tool's result: its summary first, then lists, then what to do next."""
    click.echo(str(found.get("summary", "done")))
    for item in found.get("findings", []):
        place = f" ({item['file']}:{item['line']})" if item.get("file") else ""
        click.echo(f"{item['severity']}: {item['message']}{place}. {item['help']}")
    _steps(found.get("plan") or {})
    by_backend: dict[str, list[dict[str, Any]]] = found.get("entities") or {}
    for backend, entities in by_backend.items():
        _entities(backend, entities)
    for name in ("applied", "pending", "retired", "backups", "checks", "acts"):
        _rows(name, found.get(name) or [])
    checklist(found.get("checklist"))
    _next(found)


def refusal(found: dict[str, Any]) -> None:
    """Print why a command was refused and what to do."""
    click.secho(f"refused [{found['code']}] {found['message']}", fg="red", err=True)
    click.echo(found["help"], err=True)
    checklist(found.get("checklist"))
    _next(found)


def checklist(found: Any) -> None:
    """Print the checklist, one line each."""
    lines: Any = cast("dict[str, Any]", found)["items"] if isinstance(found, dict) else found or []
    _rows(
        "checklist",
        [
            {
                "holds": _MARKS[item["state"]],
                "line": item["title"],
                "why": item["evidence"],
                "do": item.get("how_to_satisfy") or "",
            }
            for item in lines
        ],
    )


def _steps(plan: dict[str, Any]) -> None:
    """Print what a plan would run, on both databases, in its order."""
    for step in plan.get("steps", []):
        hazards = f" [{', '.join(step['hazards'])}]" if step["hazards"] else ""
        click.echo(f"{step['id']} ({step['phase']}): {step['summary']}{hazards}")
        for statement in step["statements"]:
            lock = f"  -- {statement['lock']}" if "lock" in statement else ""
            click.echo(f"    {statement['text']}{lock}")
    if plan.get("steps_omitted"):
        click.echo(f"and {plan['steps_omitted']} more steps: {plan.get('document', 'see --json')}")


def _entities(backend: str, entities: list[dict[str, Any]]) -> None:
    """Print the entities of one database: all in short, or one with its parts."""
    full = [entity for entity in entities if "constraints" in entity]
    _rows(backend, [entity for entity in entities if "constraints" not in entity])
    for entity in full:
        click.echo(f"{backend}: {entity['name']}, about {entity['records_estimate']} records")
        for part in ("fields", "indexes", "constraints", "dependents"):
            _rows(part, entity[part])


def _next(found: dict[str, Any]) -> None:
    if not found.get("next_tool"):
        return
    arguments: dict[str, Any] = found.get("next_args") or {}
    words = [f"--{key.replace('_', '-')} {value}" for key, value in arguments.items()]
    click.echo(" ".join(["next: database-migration", found["next_tool"].replace("_", "-"), *words]))


def _rows(title: str, found: list[Any]) -> None:
    rows: list[dict[str, Any]] = [item if isinstance(item, dict) else {title: item} for item in found]
    if not rows:
        return
    if not sys.stdout.isatty():
        click.echo(f"{title}:")
        for row in rows:
            click.echo("  " + " | ".join(_cell(value) for value in row.values()))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    keys = list(dict.fromkeys(key for row in rows for key in row))
    for key in keys:
        table.add_column(key.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(key, "")) for key in keys))
    Console(markup=False).print(table)


def _cell(value: Any) -> str:
    text = ", ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else text[:199] + "…"
