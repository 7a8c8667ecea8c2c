"""A command made from a tool's own function: the arguments are the same, lists and objects are given as JSON."""

import importlib
import inspect
import json
import types
import typing
from pathlib import Path
from typing import Any

import click

from skill_server.application import arguments as arguments_of
from skill_server.application.application import Application
from skill_server.backends.base import Progress
from skill_server.cli import running


def build(name: str) -> click.Command:
    """Return the command of a tool; `--json` prints the result as the protocol would return it."""
    module = importlib.import_module(f"skill_server.tools.{name}")
    function = getattr(module, name)
    hints = function.__annotations__
    parameters = [
        _option(parameter, hints[parameter.name])
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in ("app", "progress")
    ]
    parameters.append(
        click.Option(["--json", "as_json"], is_flag=True, help="Print the whole result as JSON.")
    )

    @click.pass_obj
    def callback(project: Path | None, /, as_json: bool, **arguments: Any) -> None:
        given = {key: value for key, value in arguments.items() if value is not None}

        async def work(app: Application, report: Progress) -> dict[str, Any]:
            found = await function(app, **arguments_of.checked(function, given), progress=report)
            return found.model_dump(mode="json")

        running.run(project, work, as_json=as_json)

    return click.Command(
        name.replace("_", "-"),
        params=list(parameters),
        callback=callback,
        help=module.DESCRIPTION,
        short_help=module.TITLE,
    )


def _option(parameter: inspect.Parameter, hint: Any) -> click.Parameter:
    required = parameter.default is inspect.Parameter.empty
    words = [f"--{parameter.name.replace('_', '-')}", parameter.name]
    kind: click.ParamType[Any] | None = _Json() if _is_json(hint) else None
    choices = _choices(hint)
    if choices:
        kind = click.Choice(choices)
    # No default is given, because even None would count as a value and make every option optional.
    default = parameter.default if isinstance(parameter.default, str) else None
    return click.Option(words, required=required, type=kind, help=_help(hint, kind, default))


def _help(hint: Any, kind: click.ParamType[Any] | None, default: str | None) -> str:
    said = _description(hint) or ""
    if isinstance(kind, _Json):
        said += " JSON, or @file; see references/tools.md."
    return f"{said}  [default: {default}]" if default else said


def _description(hint: Any) -> str | None:
    """Return what the tool's schema says about an argument, which may lie behind `| None`."""
    for part in (hint, *typing.get_args(hint)):
        for item in getattr(part, "__metadata__", ()):
            if getattr(item, "description", None):
                return f"{item.description[0].upper()}{item.description[1:]}."
    return None


def _plain(hint: Any) -> Any:
    """Return a type without `Annotated` and without `| None`."""
    if typing.get_origin(hint) is typing.Annotated:
        return _plain(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [item for item in typing.get_args(hint) if item is not type(None)]
        return _plain(rest[0]) if len(rest) == 1 else hint
    return hint


def _is_json(hint: Any) -> bool:
    return typing.get_origin(_plain(hint)) in (list, tuple, dict)


def _choices(hint: Any) -> list[str]:
    plain = _plain(hint)
    return (
        [str(item) for item in typing.get_args(plain)] if typing.get_origin(plain) is typing.Literal else []
    )


class _Json(click.ParamType[Any]):
    """A list or an object as JSON, or `@file` to read it from a file."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the JSON."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value)
        except (OSError, ValueError) as error:
            self.fail(f"not readable as JSON: {error}", param, ctx)
