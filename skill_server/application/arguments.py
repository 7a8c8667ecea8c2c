"""A tool's arguments, read strictly: the protocol and the command line refuse the same things in the same words."""

import inspect
import json
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from skill_server import changes
from skill_server.errors import Invalid

LONGEST_PART = 40
LONGEST_REASON = 200
MOST_PROBLEMS = 5
_NOT_ARGUMENTS = ("app", "progress")


class Closed(BaseModel):
    """Arguments of which none is unknown."""

    model_config = ConfigDict(extra="forbid")


def model_of(run: Callable[..., Any], base: type[BaseModel] = Closed) -> type[BaseModel]:
    """Return a model whose fields are the arguments of a tool's function."""
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for parameter in inspect.signature(run).parameters.values()
        if parameter.name not in _NOT_ARGUMENTS
    }
    return create_model(f"{run.__name__}_arguments", __base__=base, **fields)


def read(model: type[BaseModel], arguments: Mapping[str, Any]) -> BaseModel:
    """Return the arguments as their types; raise ValueError where one does not fit.

    As JSON, because only there does strict validation take a list for a tuple and text for an enumeration.
    """
    return model.model_validate_json(json.dumps(dict(arguments)), strict=True)


def checked(run: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a tool's function as their types.

    Raises:
        Invalid: one is missing, unknown or of another type (`arguments-invalid`).
    """
    try:
        known = read(model_of(run), arguments)
    except (ValueError, RecursionError) as error:
        raise complaint(run.__name__, error) from None
    return {name: getattr(known, name) for name in type(known).model_fields}


def complaint(tool: str, error: Exception) -> Invalid:
    """Return what is wrong with arguments: which fields and why, never the values, which may be huge or secret."""
    written = ""
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        told = [
            f"{_place(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')[:LONGEST_REASON]}"
            for problem in problems
        ]
        # A location in a change goes on with its kind.
        written = changes.signatures(
            part for problem in problems[:MOST_PROBLEMS] for part in problem["loc"][2:3]
        )
    else:
        told = ["the whole: this is no JSON that can be read"]
    more = [f"and {len(told) - MOST_PROBLEMS} more"] if len(told) > MOST_PROBLEMS else []
    return Invalid(
        "arguments-invalid",
        f"{tool} cannot take these arguments: {'; '.join(told[:MOST_PROBLEMS] + more)}",
        help=f"Call {tool} again with arguments that fit its schema"
        + (f": {written}, where `?` marks what may be left out." if written else "."),
    )


def _place(location: tuple[int | str, ...]) -> str:
    parts = [part if isinstance(part, int) else _short(part) for part in location[:6]]
    return ".".join(map(str, parts)) or "the whole"


def _short(part: str) -> str:
    return part if len(part) <= LONGEST_PART and part.isprintable() else reprlib.repr(part)
