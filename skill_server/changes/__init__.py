"""What an author may ask for: one change, one file, found by listing this folder.

Changes do not import each other; one finds its inverse here, by kind.
"""

import importlib
import json
import pkgutil
import reprlib
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Union

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from skill_server.errors import Invalid
from skill_server.model import ids
from skill_server.model.change import Change
from skill_server.model.offered import flat_schema, signature
from skill_server.model.presence import alike

_MOST_ERRORS = 8


@cache
def catalogue() -> dict[str, type[Change]]:
    """Return every change by its kind, undo-only ones included."""
    found: dict[str, type[Change]] = {}
    for module in pkgutil.iter_modules(__path__):
        change: type[Change] = importlib.import_module(f"{__name__}.{module.name}").CHANGE
        found[module.name] = change
    return found


def authored() -> dict[str, type[Change]]:
    """Return the changes that an upgrade may list, by kind."""
    return {kind: change for kind, change in catalogue().items() if not change.undo_only}


@cache
def _any_authored() -> TypeAdapter[Change]:
    union: Any = Union[tuple(authored().values())]  # noqa: UP007 - the members are known only now
    told_apart: Any = Annotated[union, Field(discriminator="kind")]
    return TypeAdapter(told_apart)


def _read(value: Any, info: ValidationInfo) -> Change:
    # What came as JSON is read as JSON again: only there does strict validation take a list for a tuple.
    if info.mode == "json":
        return _any_authored().validate_json(json.dumps(value), strict=True)
    return _any_authored().validate_python(value)


class _OneOfAuthored:
    """Makes pydantic treat a `Change` as the union of all authored changes, told apart by `kind`.

    The union is built when the first change is read, and published in short: listing the tools must stay fast.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(_read)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return flat_schema(authored())


AnyChange = Annotated[Change, _OneOfAuthored]


def construct(kind: str, /, **arguments: Any) -> Change:
    """Return a change of any kind, as a downgrade may list it: it may bring back a name that needs quotes.

    Raises:
        Invalid: there is no such change (`change-unknown`), or the arguments do not fit it (`change-not-valid`).
    """
    change = catalogue().get(kind)
    if change is None:
        raise Invalid(
            "change-unknown",
            f"there is no change called {reprlib.repr(kind)}",
            help=alike(kind[:100], authored()),
        )
    try:
        return change(**{"kind": kind, **arguments})
    except ValidationError as error:
        raise Invalid(
            "change-not-valid",
            f"{kind} cannot be made of these arguments: {_readable(error)}",
            help=f"Write it as {signature(kind, change)}, where `?` marks what may be left out.",
        ) from None


def signatures(kinds: Iterable[object]) -> str:
    """Return how to write those of these kinds that an author may ask for, for a refusal."""
    known = authored()
    return "; ".join(signature(kind, known[kind]) for kind in dict.fromkeys(map(str, kinds)) if kind in known)


def undoing(change: Change) -> Change:
    """Return the change that undoes another by its stored plan, for changes without an inverse of their own kind."""
    plain = change.model_dump(mode="json", exclude_defaults=True)
    return construct("undo", entity=change.entity, change={"kind": change.kind, **plain})


def build(kind: str, /, **arguments: Any) -> Change:
    """Return the change that an author asks for.

    Raises:
        Invalid: `change-unknown`, `change-not-valid`, or `name-not-allowed` for a name given to something new.
    """
    change = construct(kind, **arguments)
    for name in change.new_names():
        ids.require_new_name(name)
    return change


def _readable(error: ValidationError) -> str:
    # The input itself stays out: it may be huge, and it may be something that a log must not hold.
    lines: list[str] = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part)[:40] for part in problem["loc"]) or "the whole"
        lines.append(f"{where}: {problem['msg'].removeprefix('Value error, ')[:200]}")
    more = [f"and {len(lines) - _MOST_ERRORS} more"] if len(lines) > _MOST_ERRORS else []
    return "; ".join(lines[:_MOST_ERRORS] + more)
