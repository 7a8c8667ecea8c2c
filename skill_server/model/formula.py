"""Functions over records: those that authors write, checked, and those that changes write for them.

What is made here is source text only. It runs in a process of its own (`run.sandbox`), never in this one.
"""

import ast
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from skill_server.model import pure_function, values
from skill_server.model.base import Frozen, Json
from skill_server.model.flow import Function
from skill_server.model.ids import Name
from skill_server.model.logical import FieldType, Kind, LogicalType

_LONGEST = 64 * 1024
_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
_MODULES = ("base64", "datetime", "decimal", "uuid")


class NewField(Frozen):
    """The name and type of a field that a change makes and fills; it may be empty."""

    name: Name
    type: FieldType


def checked(source: str) -> str:
    """Return source that is exactly one pure `def name(record):`; raise ValueError where it is anything else."""
    # Asked again before it runs; here an author learns it before anything is written or copied.
    if (objection := pure_function.objection(source, _definition(source).name)) is not None:
        raise ValueError(f"the function is not pure: {objection}")
    return source


Source = Annotated[str, AfterValidator(checked), Field(max_length=_LONGEST)]


def function(source: str) -> Function:
    """Return the function of a checked source."""
    return Function(name=_definition(source).name, source=source)


def _definition(source: str) -> ast.FunctionDef:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"the function is no Python: {type(error).__name__}") from None
    match body:
        case [
            ast.FunctionDef(
                args=ast.arguments(
                    posonlyargs=[], args=[_], vararg=None, kwonlyargs=[], kwarg=None, defaults=[]
                ),
                decorator_list=[],
            ) as found
        ]:
            return found
        case _:
            raise ValueError(
                "a function is the whole source of one `def name(record):` without decorators and defaults"
            )


def filling(field: str, value: Json, kind: LogicalType | None = None) -> Function:
    """Return a function that gives an empty field a value of its type and leaves the others as they are.

    A value that the type cannot hold, and one of an unknown type, is given as it was written.
    """
    fits = kind is not None and values.misfit(value, kind) is None
    given = _spelled(value, kind) if kind is not None and fits else repr(value)
    return _made(
        "fill",
        *(f"import {module}" for module in _MODULES if f"{module}." in given and given != repr(value)),
        f"value = record.get({field!r})",
        f"return {{{field!r}: {given} if value is None else value}}",
    )


def _spelled(value: Json, kind: LogicalType) -> str:
    """Return the Python expression of a literal that fits its type."""
    match kind.kind:
        case Kind.DECIMAL if isinstance(value, str | int):
            # Every digit of the scale, as PostgreSQL writes it, so that the databases hold the same spelling.
            digits = format(Decimal(value), f".{kind.scale or 0}f")
            return f"decimal.Decimal({digits!r})"
        case Kind.DATE:
            return f"datetime.date.fromisoformat({value!r})"
        case Kind.DATE_TIME:
            return f"datetime.datetime.fromisoformat({value!r})"
        case Kind.UUID:
            return f"uuid.UUID({value!r})"
        case Kind.BINARY:
            return f"base64.b64decode({value!r})"
        case Kind.ARRAY if isinstance(value, list) and kind.of is not None:
            of = kind.of
            return f"[{', '.join('None' if part is None else _spelled(part, of) for part in value)}]"
        case _:
            return repr(value)


def splitting(field: str, parts: Sequence[str], separator: str) -> Function:
    """Return a function that cuts a text at a separator; the last part gets the rest, missing parts are empty."""
    names = list(parts)
    return _made(
        "split",
        f"value = record.get({field!r})",
        f"found = [] if value is None else value.split({separator!r}, {len(names) - 1})",
        f"found += [None] * ({len(names)} - len(found))",
        f"return dict(zip({names!r}, found))",
    )


def joining(parts: Sequence[str], field: str, separator: str) -> Function:
    """Return a function that puts texts together with a separator, without those that are empty."""
    return _made(
        "join",
        f"found = [record.get(name) for name in {list(parts)!r}]",
        "found = [part for part in found if part is not None]",
        f"return {{{field!r}: {separator!r}.join(found) if found else None}}",
    )


def agreeing(records: str, fields: Sequence[str]) -> Function:
    """Return a function that takes the one set of values that all looked-up records share, if there are any."""
    names = list(fields)
    return _made(
        "take",
        f"found = [[each.get(name) for name in {names!r}] for each in record[{records!r}]]",
        "if any(each != found[0] for each in found):",
        '    raise ValueError("the records that are moved together differ from each other")',
        f"return dict(zip({names!r}, found[0] if found else [None] * {len(names)}))",
    )


def only_link(field: str, links: str) -> Function:
    """Return a function that puts the one linked value back into a field, or none; several do not fit."""
    return _made(
        "link",
        f"found = [each.get({field!r}) for each in record[{links!r}]]",
        "if len(found) > 1:",
        f'    raise ValueError("there are several links, and {field} holds one")',
        f"return {{{field!r}: found[0] if found else None}}",
    )


def array(field: str, records: str, position: str) -> Function:
    """Return a function that writes records back into the objects of an array that they came from.

    Members that nobody changed stay as they are in the array, so that untouched objects come back byte for byte.
    """
    return _made(
        "embed",
        f"old = record.get({field!r})",
        f"found = sorted(record[{records!r}], key=lambda each: each[{position!r}])",
        "new = []",
        "for each in found:",
        f"    place = each[{position!r}]",
        "    was = old[place] if old is not None and place < len(old) else {}",
        f"    changed = {{k: v for k, v in each.items() if k != {position!r} and was.get(k) != v}}",
        "    new.append({**was, **changed})",
        f"return {{{field!r}: new if new or old is not None else None}}",
    )


def element(records: str, theirs: str, own: str, fields: Sequence[str]) -> Function:
    """Return a function that finds a record's own object in an array and takes its values from there."""
    names = list(fields)
    return _made(
        "take",
        f"found = [each for each in record.get({records!r}) or [] if each.get({theirs!r}) == record[{own!r}]]",
        "source = found[0] if found else record",
        f"return {{name: source.get(name) for name in {names!r}}}",
    )


def textual(kind: LogicalType | None) -> bool:
    """Say whether values of a type are text; an unknown type may be."""
    return kind is None or kind.kind in _TEXTUAL


def require_one_way(separator: str | None, source: str | None, back: str | None) -> None:
    """Check that there is a separator or a pair of functions; raise ValueError where there is both or neither."""
    if (source is None) != (back is None):
        raise ValueError("give a function for each direction: function and back_function")
    if (separator is None) == (source is None):
        raise ValueError("give a separator, or function and back_function")


def _made(name: str, *lines: str) -> Function:
    body = "\n".join(f"    {line}" for line in lines)
    return Function(name=name, source=f"def {name}(record):\n{body}\n")
