"""The types that models are written with, as logical types; what is not known here is said, never guessed."""

import ast
from collections.abc import Mapping
from typing import Any

from skill_server.model.logical import Kind, LogicalType

_PLAIN = {
    "Integer": Kind.INTEGER,
    "INTEGER": Kind.INTEGER,
    "BigInteger": Kind.BIG_INTEGER,
    "BIGINT": Kind.BIG_INTEGER,
    "Float": Kind.FLOAT,
    "Double": Kind.FLOAT,
    "DOUBLE_PRECISION": Kind.FLOAT,
    "Boolean": Kind.BOOLEAN,
    "BOOLEAN": Kind.BOOLEAN,
    "Date": Kind.DATE,
    "DATE": Kind.DATE,
    "Text": Kind.TEXT,
    "TEXT": Kind.TEXT,
    "UnicodeText": Kind.TEXT,
    "JSON": Kind.JSON,
    "JSONB": Kind.JSON,
    "Uuid": Kind.UUID,
    "UUID": Kind.UUID,
    "LargeBinary": Kind.BINARY,
    "BYTEA": Kind.BINARY,
}
_ARRAY = frozenset({"ARRAY", "Array"})
_SIZED = frozenset({"String", "VARCHAR", "Unicode"})
_DECIMAL = frozenset({"Numeric", "NUMERIC", "DECIMAL"})
_MOMENT = frozenset({"DateTime", "TIMESTAMP"})
# Arguments that change how Python sees a value, not what the database stores.
_WITHOUT_EFFECT = frozenset(
    {"none_as_null", "as_uuid", "asdecimal", "astext_type", "native_uuid", "decimal_return_scale"}
)
# SQLAlchemy's default map from annotations (documentation of `registry.type_annotation_map`).
_FROM_ANNOTATION = {
    "int": Kind.INTEGER,
    "str": Kind.TEXT,
    "float": Kind.FLOAT,
    "bool": Kind.BOOLEAN,
    "date": Kind.DATE,
    "datetime": Kind.DATE_TIME,
    "UUID": Kind.UUID,
    "bytes": Kind.BINARY,
}


def declared_type(node: ast.expr, imported: Mapping[str, str]) -> LogicalType:
    """Return the logical type of an expression such as `String(40)`; `imported` maps names to their modules.

    Raises:
        ValueError: the type is none of SQLAlchemy's, or has no logical type.
    """
    function = node.func if isinstance(node, ast.Call) else node
    name = _from_sqlalchemy(function, imported)
    numbers: list[Any] = []
    options: dict[str, Any] = {}
    if isinstance(node, ast.Call) and name not in _ARRAY:
        numbers = [_constant(argument) for argument in node.args]
        options = {
            keyword.arg or "**": _constant(keyword.value)
            for keyword in node.keywords
            if keyword.arg not in _WITHOUT_EFFECT
        }
    if name in _ARRAY and isinstance(node, ast.Call) and len(node.args) == 1:
        of = declared_type(node.args[0], imported)
        if of.of is not None or node.keywords:
            raise ValueError(f"the type {ast.unparse(node)[:80]} has no logical type")
        return LogicalType(kind=Kind.ARRAY, of=of)
    if name in _PLAIN and not numbers and not options:
        return LogicalType(kind=_PLAIN[name])
    if name in _SIZED and options.keys() <= {"length"}:
        length = numbers[0] if numbers else options.get("length")
        return (
            LogicalType(kind=Kind.STRING, length=length)
            if length is not None
            else LogicalType(kind=Kind.TEXT)
        )
    if name in _DECIMAL and options.keys() <= {"precision", "scale"} and len(numbers) <= 2:
        precision = numbers[0] if numbers else options.get("precision")
        if precision is None:
            raise ValueError(f"{name} without precision has no logical type; write {name}(12, 2)")
        scale = numbers[1] if len(numbers) > 1 else options.get("scale", 0)
        return LogicalType(kind=Kind.DECIMAL, precision=precision, scale=scale)
    if name in _MOMENT and options.keys() <= {"timezone"} and len(numbers) <= 1:
        zone = numbers[0] if numbers else options.get("timezone", False)
        return LogicalType(kind=Kind.DATE_TIME, timezone=zone)
    raise ValueError(f"the type {ast.unparse(node)[:80]} has no logical type")


def annotated(node: ast.expr) -> tuple[ast.expr, bool]:
    """Return what stands in `Mapped[…]` without `None`, and whether `None` was there."""
    node = unquoted(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, left_empty = annotated(node.left)
        right, right_empty = annotated(node.right)
        if _is_none(left):
            return right, True
        return (left, True) if _is_none(right) else (node, left_empty or right_empty)
    if isinstance(node, ast.Subscript) and _last(node.value) == "Optional":
        return annotated(node.slice)[0], True
    if isinstance(node, ast.Subscript) and _last(node.value) == "Union" and isinstance(node.slice, ast.Tuple):
        members = [member for member in node.slice.elts if not _is_none(member)]
        return (members[0] if len(members) == 1 else node), len(members) < len(node.slice.elts)
    return node, False


def annotation_type(node: ast.expr) -> LogicalType:
    """Return the logical type that SQLAlchemy derives from an annotation.

    Raises:
        ValueError: it derives none from it, or one that the project may have changed.
    """
    kind = _FROM_ANNOTATION.get(_last(node))
    if kind is None:
        raise ValueError(f"the annotation {ast.unparse(node)[:80]} names no type; name one in mapped_column")
    return LogicalType(kind=kind)


def unquoted(node: ast.expr) -> ast.expr:
    """Return the expression inside an annotation that is written as text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except SyntaxError as error:
            raise ValueError(f"the annotation {node.value[:80]!r} is no expression") from error
    return node


def _from_sqlalchemy(node: ast.expr, imported: Mapping[str, str]) -> str:
    base = node
    while isinstance(base, ast.Attribute):
        base = base.value
    module = imported.get(base.id, "") if isinstance(base, ast.Name) else ""
    if not (module + ".").startswith("sqlalchemy."):
        raise ValueError(f"{ast.unparse(node)[:80]} is not imported from sqlalchemy")
    return _last(node)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    raise ValueError(f"{ast.unparse(node)[:80]} is computed, so the type is not known")
