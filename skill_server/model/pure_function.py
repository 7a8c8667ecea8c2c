"""What the source of a Function may say: one `def` of one argument that can reach nothing but its record.

The process that runs it is closed as well (`run.sandbox`); this check comes first, and tells an author why not.
"""

import ast
from collections.abc import Iterator

MODULES = (
    "base64",
    "collections",
    "datetime",
    "decimal",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "re",
    "string",
    "unicodedata",
    "uuid",
)
# Attributes that lead from an object to the frames and code around it (Python's inspect module lists them), and the
# ways of text to look up an attribute by its name.
_INNER = ("gi_", "cr_", "ag_", "f_", "tb_", "co_", "func_")
_BY_NAME = frozenset({"format", "format_map"})
_NOT_PLAIN = (
    ast.Global,
    ast.Nonlocal,
    ast.ClassDef,
    ast.AsyncFunctionDef,
    ast.Await,
    ast.AsyncFor,
    ast.AsyncWith,
    ast.Yield,
    ast.YieldFrom,
)


def objection(source: str, name: str) -> str | None:
    """Say why a source is not a pure function of that name, or None where it is one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"it cannot be read: {error}"
    if len(tree.body) != 1 or not isinstance(found := tree.body[0], ast.FunctionDef):
        return "it is not exactly one def"
    if found.name != name:
        return f"it defines {found.name}, not {name}"
    if found.decorator_list:
        return "it has a decorator"
    taken = found.args
    others = (*taken.posonlyargs, *taken.kwonlyargs, taken.vararg, taken.kwarg, *taken.defaults)
    if len(taken.args) != 1 or any(other is not None for other in others):
        return "it does not take exactly one argument, the record"
    return next(_objections(found), None)


def _objections(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Import(names=names):
                yield from (f"it imports {item.name}" for item in names if item.name not in MODULES)
            case ast.ImportFrom(module=module, level=level):
                if level or module not in MODULES:
                    yield f"it imports from {module}"
            case ast.Attribute(attr=attr):
                if attr.startswith(("_", *_INNER)) or attr in _BY_NAME:
                    yield f"it uses the attribute {attr}"
            case ast.MatchClass(kwd_attrs=attrs):
                # A class pattern reads attributes by these names.
                yield from (
                    f"it uses the attribute {attr}" for attr in attrs if attr.startswith(("_", *_INNER))
                )
            case ast.Name(id=name):
                if name.startswith("__"):
                    yield f"it uses the name {name}"
            case _ if isinstance(node, _NOT_PLAIN):
                yield f"it holds a {type(node).__name__}, which a plain function has no need of"
            case _:
                pass
