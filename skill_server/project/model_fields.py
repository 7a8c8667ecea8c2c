"""One statement of a model class, read as a field."""

import ast
from collections.abc import Mapping
from typing import NamedTuple

from skill_server.model.logical import LogicalType
from skill_server.project.model_types import annotated, annotation_type, declared_type, unquoted
from skill_server.project.models import ModelField

# Arguments of `mapped_column` that say nothing about the type.
_BESIDE_THE_TYPE = frozenset(
    {
        "ForeignKey",
        "Identity",
        "Computed",
        "Sequence",
        "CheckConstraint",
        "FetchedValue",
        "DefaultClause",
        "Default",
    }
)
_MAKES_A_FIELD = frozenset({"mapped_column", "Column"})
_MAKES_NONE = frozenset(
    {"relationship", "synonym", "association_proxy", "hybrid_property", "validates", "dynamic_loader"}
)
_NOT_READ = frozenset({"column_property", "deferred", "composite", "declared_attr", "query_expression"})


class _Arguments(NamedTuple):
    name: str | None = None
    type: ast.expr | None = None
    nullable: bool | None = None
    key: bool = False


def field_of(
    statement: ast.stmt, file: str, imported: Mapping[str, str]
) -> tuple[ModelField, str | None] | None:
    """Return the field that a statement declares, and why its type is not known; None where it declares no field.

    Raises:
        ValueError: the statement declares something about fields that is not understood.
    """
    match statement:
        case ast.AnnAssign(target=ast.Name(id=attribute), annotation=annotation, value=value):
            mapped = _mapped(annotation)
            if mapped is None and _called(value) not in _MAKES_A_FIELD | _NOT_READ:
                return None
        case ast.Assign(targets=[ast.Name(id="type_annotation_map")]):
            raise ValueError(
                "a type_annotation_map changes what annotations mean; name the types in mapped_column"
            )
        case ast.Assign(targets=[ast.Name(id=attribute)], value=value) if (
            _called(value) in _MAKES_A_FIELD | _NOT_READ
        ):
            mapped = None
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            if any("declared_attr" in ast.unparse(decorator) for decorator in statement.decorator_list):
                raise ValueError(f"{statement.name} is computed by declared_attr, which is not read")
            return None
        case _:
            return None
    if _called(value) in _MAKES_NONE:
        return None
    if value is not None and _called(value) not in _MAKES_A_FIELD:
        raise ValueError(f"{attribute} is made by {ast.unparse(value)[:60]}, which is not read")
    arguments = _arguments(value) if isinstance(value, ast.Call) else _Arguments()
    return _field(attribute, arguments, mapped, file, statement.lineno, imported)


def _field(
    attribute: str,
    arguments: _Arguments,
    mapped: ast.expr | None,
    file: str,
    line: int,
    imported: Mapping[str, str],
) -> tuple[ModelField, str | None]:
    inner, optional = annotated(mapped) if mapped is not None else (None, True)
    kind: LogicalType | None = None
    reason = None
    try:
        if arguments.type is not None:
            kind = declared_type(arguments.type, imported)
        elif inner is not None:
            kind = annotation_type(inner)
        else:
            reason = f"{attribute} names no type"
    except ValueError as error:
        # pydantic's messages are long, and the first line of ours says it.
        reason = f"{attribute}: {str(error).splitlines()[0]}"
    # SQLAlchemy: the keyword decides, then the key, then the annotation (documentation of `mapped_column.nullable`).
    nullable = arguments.nullable if arguments.nullable is not None else optional and not arguments.key
    field = ModelField(
        name=arguments.name or attribute,
        attribute=attribute,
        type=kind,
        nullable=nullable,
        file=file,
        line=line,
    )
    return field, reason


def _mapped(annotation: ast.expr) -> ast.expr | None:
    annotation = unquoted(annotation)
    if isinstance(annotation, ast.Subscript) and _last(annotation.value) == "Mapped":
        return annotation.slice
    return None


def _arguments(call: ast.Call) -> _Arguments:
    found = _Arguments()
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        raise ValueError("arguments are unpacked, so the field is not known")
    for position, argument in enumerate(call.args):
        if position == 0 and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            found = found._replace(name=argument.value)
        elif _called(argument) not in _BESIDE_THE_TYPE and found.type is None:
            found = found._replace(type=argument)
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg=None):
                raise ValueError("arguments are unpacked, so the field is not known")
            case ast.keyword(arg="name", value=ast.Constant(value=str(name))):
                found = found._replace(name=name)
            case ast.keyword(arg="type_"):
                found = found._replace(type=keyword.value)
            case ast.keyword(arg="nullable", value=ast.Constant(value=bool(nullable))):
                found = found._replace(nullable=nullable)
            case ast.keyword(arg="primary_key", value=ast.Constant(value=bool(key))):
                found = found._replace(key=key)
            case ast.keyword(arg="name" | "nullable" | "primary_key"):
                raise ValueError(f"{keyword.arg} is computed, so the field is not known")
            case _:
                pass
    return found


def _called(value: ast.expr | None) -> str:
    return _last(value.func) if isinstance(value, ast.Call) else ""


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
