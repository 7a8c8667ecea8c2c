"""How SQLAlchemy 2 declares a field: the line that belongs into a model."""

import re
from collections.abc import Sequence

from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Field

_PYTHON = {
    Kind.STRING: "str",
    Kind.TEXT: "str",
    Kind.INTEGER: "int",
    Kind.BIG_INTEGER: "int",
    Kind.FLOAT: "float",
    Kind.DECIMAL: "Decimal",
    Kind.BOOLEAN: "bool",
    Kind.DATE: "date",
    Kind.DATE_TIME: "datetime",
    Kind.JSON: "dict[str, Any]",
    Kind.UUID: "UUID",
    Kind.BINARY: "bytes",
}
_NAME = re.compile(r"[^\W\d]\w*")


def declaration(field: Field, *, attribute: str | None = None, more: Sequence[str] = ()) -> str:
    """Return the line of a model that declares a field of the schema; `more` are arguments after the type."""
    name = field.native_name
    attribute = attribute or (name if _NAME.fullmatch(name) else re.sub(r"\W|^(?=\d)", "_", name))
    python = "Any" if field.type is None else _python(field.type)
    optional = f"{python} | None" if field.nullable else python
    arguments = [repr(name)] if attribute != name else []
    # A reference has the type of what it refers to, which SQLAlchemy finds by the foreign key.
    arguments += [_spelling(field.type)] if field.type and field.type.kind is not Kind.REFERENCE else []
    return f"{attribute}: Mapped[{optional}] = mapped_column({', '.join((*arguments, *more))})"


def _python(kind: LogicalType) -> str:
    if kind.of is not None:
        return f"list[{_python(kind.of)}]"
    return _PYTHON.get(kind.kind, "Any")


def _spelling(kind: LogicalType) -> str:
    if kind.of is not None:
        return f"ARRAY({_spelling(kind.of)})"
    match kind.kind:
        case Kind.STRING:
            return f"String({kind.length})"
        case Kind.DECIMAL:
            return f"Numeric({kind.precision}, {kind.scale or 0})"
        case Kind.DATE_TIME:
            return "DateTime(timezone=True)" if kind.timezone else "DateTime"
        case Kind.JSON:
            return "JSON"
        case Kind.BINARY:
            return "LargeBinary"
        case _:
            return str(kind.kind)
