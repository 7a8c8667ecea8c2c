"""The parts of a migration file: docstring, names, functions, upgrade, downgrade and the last lines; nothing else."""

import ast
import re
from typing import Any, NamedTuple

from skill_server.errors import Invalid
from skill_server.generate import functions
from skill_server.generate.layout import GUARD
from skill_server.generate.literals import Place, value

NAMES = ("revision", "down_revision")
_GUARD = ast.dump(ast.parse(GUARD).body[0])
_REASON = re.compile(r"\n\s*\n\s*Reason:")


class Parts(NamedTuple):
    """What a file is made of: its two names, its two lists of calls, and the functions that these take."""

    names: dict[str, Any]
    upgrade: ast.FunctionDef
    downgrade: ast.FunctionDef


def parts(tree: ast.Module, text: str, place: Place) -> Parts:
    """Return the parts of a file, with the source of each function in place of its name.

    Raises:
        Invalid: something else is there, a part is missing or there twice, or a function is not plain or not used.
    """
    found, others = _sorted(tree, place)
    sources = functions.written(text.replace("\r\n", "\n").replace("\r", "\n"), others, place)
    used = [functions.resolve(found[name], sources, place) for name in ("upgrade", "downgrade")]
    for name in sources.keys() - frozenset().union(*used):
        raise place.refuse(
            others[name],
            f"no change takes the function {name}",
            f"Remove it, or name it in a call, as in `function={name}`.",
        )
    return Parts({name: found[name] for name in NAMES}, found["upgrade"], found["downgrade"])


def _sorted(tree: ast.Module, place: Place) -> tuple[dict[str, Any], dict[str, ast.FunctionDef]]:
    found: dict[str, Any] = {}
    others: dict[str, ast.FunctionDef] = {}
    for node in tree.body[1:]:
        match node:
            case ast.Assign(targets=[ast.Name(id="revision" | "down_revision" as name)]):
                part: Any = value(node.value, place)
            case ast.FunctionDef(name="upgrade" | "downgrade" as name):
                part = node
            case ast.FunctionDef(name=name):
                if name in others:
                    raise _twice(node, name, place)
                others[name] = node
                continue
            case ast.If() if ast.dump(node) == _GUARD:
                name, part = "guard", node
            case _:
                raise place.refuse(
                    node,
                    "only the docstring, revision, down_revision, functions that changes take, upgrade, downgrade and "
                    "the last lines belong here",
                    "Remove this; a migration file is data and is never executed.",
                )
        if name in found:
            raise _twice(node, name, place)
        found[name] = part
    for name in (*NAMES, "upgrade", "downgrade", "guard"):
        if name not in found:
            end = max((node.end_lineno or 1 for node in tree.body), default=1)
            raise place.refuse(end, f"{_MISSING[name]} is missing", f"Add {_ADD[name]}.")
    return found, others


def _twice(node: ast.AST, name: str, place: Place) -> Invalid:
    return place.refuse(node, f"{name} is there twice", "Keep one of the two.")


_MISSING = {
    "revision": "revision",
    "down_revision": "down_revision",
    "upgrade": "upgrade(op)",
    "downgrade": "downgrade(op)",
    "guard": "the part that hands the file to the command line",
}
_ADD = {
    "revision": 'revision = "<the file\'s name without .py>"',
    "down_revision": "down_revision = None, or the revision that this one follows",
    "upgrade": "def upgrade(op): with at least one change",
    "downgrade": "def downgrade(op): with the inverse of each change, last first",
    "guard": f"at the end: {GUARD.strip()}",
}


def words(tree: ast.Module, place: Place) -> tuple[str, str]:
    """Return the summary and the reason that the docstring gives.

    Raises:
        Invalid: it lacks one of them.
    """
    text = ast.get_docstring(tree) if tree.body else None
    parts = _REASON.split(text, maxsplit=1) if text else []
    if len(parts) != 2 or not all(part.strip() for part in parts):
        raise place.refuse(
            1,
            "the docstring does not say what changes and why",
            'Begin the file with """Summary of the change, an empty line, and Reason: why it is made."""',
        )
    return parts[0], parts[1]
