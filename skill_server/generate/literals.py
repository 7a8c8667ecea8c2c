"""Read the few forms that a migration file is made of from a syntax tree; everything else is refused by line."""

import ast
from typing import Any, NamedTuple

from skill_server.errors import Invalid
from skill_server.model.values import DEEPEST

_PLAIN_ARGUMENTS = ast.dump(
    ast.arguments(posonlyargs=[], args=[ast.arg(arg="op")], kwonlyargs=[], kw_defaults=[], defaults=[])
)


class Place(NamedTuple):
    """A file by its name, for messages that lead to a line."""

    file: str

    def refuse(
        self, node: ast.AST | int, message: str, help: str, *, code: str = "migration-not-readable"
    ) -> Invalid:
        """Return the error for what stands at a node or in a line."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return Invalid(
            code,
            f"{self.file}:{line}: {message}",
            help=help,
            detail={"file": self.file, "line": line},
        )


class Call(NamedTuple):
    """One `op.` call as written."""

    name: str
    positions: tuple[Any, ...]
    keywords: dict[str, Any]
    line: int


def calls(function: ast.FunctionDef, place: Place) -> list[Call]:
    """Return the calls that a function is made of.

    Raises:
        Invalid: the function holds anything but literal `op.` calls, or is not plainly `def name(op):`.
    """
    arguments = ast.dump(function.args)
    plain = arguments == _PLAIN_ARGUMENTS and not function.decorator_list and function.returns is None
    if not plain or getattr(function, "type_params", []):
        raise place.refuse(
            function,
            f"{function.name} is more than a plain function of op",
            f"Write `def {function.name}(op):`.",
        )
    return [_call(statement, place) for statement in function.body]


def _call(statement: ast.stmt, place: Place) -> Call:
    match statement:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="op"), attr=name), args=args, keywords=keywords
            )
        ):
            named: dict[str, Any] = {}
            for keyword in keywords:
                if keyword.arg is None:
                    raise place.refuse(keyword.value, "arguments are unpacked", "Write each argument out.")
                if keyword.arg in named:
                    raise place.refuse(keyword.value, f"{keyword.arg} is given twice", "Keep one of the two.")
                named[keyword.arg] = value(keyword.value, place)
            return Call(name, tuple(value(argument, place) for argument in args), named, statement.lineno)
        case _:
            raise place.refuse(
                statement,
                f"{_words(statement)} is not a call of op",
                'List changes only, as in `op.add_field("items", "condition", type="Text")`.',
            )


def value(node: ast.expr, place: Place, depth: int = 0) -> Any:
    """Return a literal value.

    Raises:
        Invalid: the expression is anything but a plain value: nothing in a migration file is computed.
    """
    if depth > DEEPEST:
        raise place.refuse(node, f"a value nests deeper than {DEEPEST} levels", "Write a flatter value.")
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as constant):
            return constant
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if (
            not isinstance(number, bool)
        ):
            return -number
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [value(part, place, depth + 1) for part in parts]
        case ast.Dict(keys=keys, values=parts):
            return {
                _key(key, node, place): value(part, place, depth + 1)
                for key, part in zip(keys, parts, strict=True)
            }
        case _:
            raise place.refuse(
                node,
                f"{_words(node)} is not a literal value",
                "Write the value itself; nothing here is computed.",
            )


def _key(key: ast.expr | None, mapping: ast.Dict, place: Place) -> str:
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        return key.value
    raise place.refuse(key or mapping, "the key of an object is not literal text", "Write the key in quotes.")


def _words(node: ast.AST) -> str:
    return {
        "JoinedStr": "an f-string",
        "NamedExpr": "an assignment inside an expression",
        "FunctionDef": "a nested function",
        "AsyncFunctionDef": "a coroutine",
        "Import": "an import",
        "ImportFrom": "an import",
        "Name": "a name",
        "BinOp": "a computation",
        "Pass": "`pass`",
    }.get(type(node).__name__, f"{type(node).__name__}")
