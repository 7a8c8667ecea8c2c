"""The functions of a migration file: defs beside upgrade and downgrade, named where a change takes one.

A change holds the whole source of its function, so the digest of the migration covers it. Nothing here runs it.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from skill_server.generate.literals import Place
from skill_server.model.change import Change

# Names that mean something else in the file.
TAKEN = frozenset({"upgrade", "downgrade", "revision", "down_revision", "op"})


@dataclass(frozen=True)
class Reference:
    """The bare name of a function, where a call is written out."""

    name: str


def takes_function(argument: str) -> bool:
    """Say whether an argument of a change is a function, by its name: `function`, `back_function` and so on."""
    return argument.endswith("function")


def definition(source: str) -> ast.FunctionDef:
    """Return the one plain function that a source is.

    Raises:
        ValueError: it is anything else, has a name that the file needs, or holds what a reader cannot see.
    """
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"a function cannot be read: {type(error).__name__}") from None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise ValueError("a function is the whole source of exactly one def")
    if reason := objection(body[0]):
        raise ValueError(reason)
    # Like a change of direction in a literal, it would hide from a reviewer what runs.
    if not source.replace("\n", "").replace("\t", "").isprintable():
        raise ValueError("a function holds a character that nobody can see; write it as an escape")
    return body[0]


def objection(function: ast.FunctionDef) -> str | None:
    """Say why a function is not plain, or None where it is."""
    taken = function.args
    others = (*taken.posonlyargs, *taken.kwonlyargs, taken.vararg, taken.kwarg, *taken.defaults)
    if len(taken.args) != 1 or any(other is not None for other in others):
        return f"{function.name} does not take exactly one argument without a default, the record"
    if function.decorator_list or getattr(function, "type_params", []):
        return f"{function.name} has a decorator or parameters of type"
    return f"a function cannot be called {function.name} here" if function.name in TAKEN else None


def canonical(change: Change) -> Change:
    """Return a change whose functions are spelled as the file spells them: the def alone, without what surrounds it.

    Raises:
        ValueError: a function is not one plain def.
    """
    fields = dict(_held(change))
    return (
        change.model_copy(update={name: _segment(text) for name, text in fields.items()})
        if fields
        else change
    )


def named(changes: Collection[Change]) -> dict[str, str]:
    """Return the functions of changes by name, in order.

    Raises:
        ValueError: two different functions have one name.
    """
    found: dict[str, str] = {}
    for change in changes:
        for _, source in _held(change):
            name = definition(source).name
            if found.setdefault(name, source) != source:
                raise ValueError(f"two different functions are called {name}; give one of them another name")
    return found


def referred(value: Any, argument: str = "") -> Any:
    """Return a plain value with each function in it as a reference to its name."""
    match value:
        case str() if takes_function(argument):
            return Reference(definition(value).name)
        case dict():
            return {key: referred(part, key) for key, part in cast("dict[str, Any]", value).items()}
        case _:
            return value


def resolve(calls: ast.FunctionDef, sources: Mapping[str, str], place: Place) -> frozenset[str]:
    """Put the source of each function in place of its name in the calls of upgrade or downgrade; return the names.

    Raises:
        Invalid: a name stands where a function is taken, and the file has no such function (`migration-not-readable`).
    """
    used: set[str] = set()

    def source_of(name: ast.Name) -> ast.Constant:
        if name.id not in sources:
            raise place.refuse(
                name,
                f"there is no function {name.id[:80]} in this file",
                f"Add `def {name.id[:80]}(record):`.",
            )
        used.add(name.id)
        return ast.copy_location(ast.Constant(sources[name.id]), name)

    for node in ast.walk(calls):
        match node:
            case ast.keyword(arg=str(argument), value=ast.Name() as name) if takes_function(argument):
                node.value = source_of(name)
            case ast.Dict(keys=keys, values=values):
                for position, (key, part) in enumerate(zip(keys, values, strict=True)):
                    match key, part:
                        case ast.Constant(value=str(argument)), ast.Name() if takes_function(argument):
                            values[position] = source_of(part)
                        case _:
                            continue
            case _:
                continue
    return frozenset(used)


def written(text: str, functions: Mapping[str, ast.FunctionDef], place: Place) -> dict[str, str]:
    """Return the source of each function of a file.

    Raises:
        Invalid: one is not plain (`migration-not-readable`).
    """
    found: dict[str, str] = {}
    for name, node in functions.items():
        reason = objection(node)
        try:
            found[name] = ast.get_source_segment(text, node) or ""
            definition(found[name])
        except ValueError as error:
            reason = reason or str(error)
        if reason:
            raise place.refuse(node, reason, f"Write `def {name}(record):` with everything it needs inside.")
    return found


def _held(change: Change) -> Iterator[tuple[str, str]]:
    for name in type(change).model_fields:
        text: object = getattr(change, name)
        if takes_function(name) and isinstance(text, str):
            yield name, text


def _segment(source: str) -> str:
    text = source.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return ast.get_source_segment(text, definition(text)) or ""
