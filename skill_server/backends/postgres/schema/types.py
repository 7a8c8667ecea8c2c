"""Logical types in PostgreSQL's words and back."""

import re
from typing import assert_never

from skill_server.errors import Invalid
from skill_server.model.logical import Kind, LogicalType

_PARAMETERS = re.compile(r"([a-z ]+?)(?:\((\d+)(?:,(\d+))?\))?((?: with| without) time zone)?")
_PLAIN = {
    "text": Kind.TEXT,
    "character varying": Kind.TEXT,
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.BIG_INTEGER,
    "real": Kind.FLOAT,
    "double precision": Kind.FLOAT,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "uuid": Kind.UUID,
    "bytea": Kind.BINARY,
}


def native(logical: LogicalType) -> str:
    """Return the PostgreSQL type that holds a logical type."""
    match logical.kind:
        case Kind.STRING:
            return f"character varying({logical.length})"
        case Kind.TEXT:
            return "text"
        case Kind.INTEGER:
            return "integer"
        case Kind.BIG_INTEGER:
            return "bigint"
        case Kind.FLOAT:
            return "double precision"
        case Kind.DECIMAL:
            return f"numeric({logical.precision},{logical.scale or 0})"
        case Kind.BOOLEAN:
            return "boolean"
        case Kind.DATE:
            return "date"
        case Kind.DATE_TIME:
            return f"timestamp {'with' if logical.timezone else 'without'} time zone"
        case Kind.JSON:
            return "jsonb"
        case Kind.UUID:
            return "uuid"
        case Kind.BINARY:
            return "bytea"
        case Kind.ARRAY if logical.of is not None:
            return f"{native(logical.of)}[]"
        case Kind.ARRAY | Kind.REFERENCE:
            raise Invalid(
                "reference-not-resolved",
                f"{logical} has no PostgreSQL type, because the entity or its key is not known",
                help="Name an entity that has a key of one field.",
            )
        case _:
            assert_never(logical.kind)


def logical(formatted: str) -> LogicalType | None:
    """Return the logical type of what `format_type` printed, or None where nothing fits it whole."""
    if formatted.endswith("[]"):
        of = logical(formatted.removesuffix("[]"))
        return LogicalType(kind=Kind.ARRAY, of=of) if of is not None and of.of is None else None
    if (match := _PARAMETERS.fullmatch(formatted)) is None:
        return None
    word, first, second, zone = match.groups()
    if word == "timestamp" and zone:
        return LogicalType(kind=Kind.DATE_TIME, timezone=zone == " with time zone")
    if word == "character varying" and first:
        return LogicalType(kind=Kind.STRING, length=int(first))
    if word == "numeric" and first:
        return LogicalType(kind=Kind.DECIMAL, precision=int(first), scale=int(second or 0))
    kind = _PLAIN.get(word)
    return LogicalType(kind=kind) if kind is not None and first is None and zone is None else None
