"""Logical types as BSON: what a value of a plan becomes, and what the words of the server say of a type."""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from skill_server.errors import Invalid
from skill_server.model.base import Json
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.snapshot import Field

BSON_TYPE = {
    Kind.STRING: "string",
    Kind.TEXT: "string",
    Kind.INTEGER: "int",
    Kind.BIG_INTEGER: "long",
    Kind.FLOAT: "double",
    Kind.DECIMAL: "decimal",
    Kind.BOOLEAN: "bool",
    Kind.DATE: "date",
    Kind.DATE_TIME: "date",
    Kind.UUID: "binData",
    Kind.BINARY: "binData",
    Kind.ARRAY: "array",
}
# Names of the element types of bsonspec.org, as the `$type` operator spells them.
TYPE_NAMES = {
    0x01: "double",
    0x02: "string",
    0x03: "object",
    0x04: "array",
    0x05: "binData",
    0x06: "undefined",
    0x07: "objectId",
    0x08: "bool",
    0x09: "date",
    0x0A: "null",
    0x0B: "regex",
    0x0C: "dbPointer",
    0x0D: "javascript",
    0x0E: "symbol",
    0x0F: "javascriptWithScope",
    0x10: "int",
    0x11: "timestamp",
    0x12: "long",
    0x13: "decimal",
    0xFF: "minKey",
    0x7F: "maxKey",
}
_LOGICAL = {
    frozenset({"string"}): Kind.TEXT,
    frozenset({"int"}): Kind.INTEGER,
    frozenset({"long"}): Kind.BIG_INTEGER,
    # Drivers send a whole number as `int` or `long` by its size, so both together are one type of the application.
    frozenset({"int", "long"}): Kind.BIG_INTEGER,
    frozenset({"double"}): Kind.FLOAT,
    frozenset({"bool"}): Kind.BOOLEAN,
    frozenset({"object"}): Kind.JSON,
    frozenset({"array"}): Kind.JSON,
    frozenset({"object", "array"}): Kind.JSON,
}
_INTEGERS = frozenset({"int", "long"})
_BSON_WORDS = frozenset(TYPE_NAMES.values()) - {"null"}
INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)


def logical_type(
    names: frozenset[str], *, length: int | None = None, uuids: bool = False
) -> LogicalType | None:
    """Return the one logical type behind names of BSON types (`null` aside), or None where it cannot be told.

    A `decimal` has no precision of its own and stays None.
    """
    present = sorted(names - {"null"})
    if present == ["string"] and length is not None:
        return LogicalType(kind=Kind.STRING, length=length)
    if present == ["date"]:
        return LogicalType(kind=Kind.DATE_TIME, timezone=True)
    if present == ["binData"]:
        return LogicalType(kind=Kind.UUID if uuids else Kind.BINARY)
    kind = _LOGICAL.get(frozenset(present))
    return None if kind is None else LogicalType(kind=kind)


def schema_of(to: LogicalType, *, nullable: bool) -> dict[str, Any]:
    """Return what a `$jsonSchema` says of a field of a type, in Extended JSON."""
    if to.kind is Kind.REFERENCE:
        # Whatever the key of the other collection holds; an ObjectId is none of the logical types.
        return {}
    if to.kind is Kind.JSON:
        types = ["object", "array", "string", "int", "long", "double", "decimal", "bool"]
    else:
        types = [BSON_TYPE[to.kind]]
    if nullable:
        types.append("null")
    schema: dict[str, Any] = {"bsonType": types[0] if len(types) == 1 else types}
    if to.kind is Kind.STRING:
        schema["maxLength"] = {"$numberInt": str(to.length)}
    if to.of is not None:
        schema["items"] = schema_of(to.of, nullable=True)
    return schema


def to_bson(value: Json, to: LogicalType) -> Any:
    """Return a value of a plan as the BSON of a logical type.

    Raises:
        Invalid: `value-not-of-type`.
    """
    if value is None:
        return None
    try:
        return _to_bson(value, to)
    except (ValueError, TypeError, InvalidOperation, binascii.Error):
        raise Invalid(
            "value-not-of-type",
            f"{str(value)[:80]!r} is no value of {to}",
            help=f"Write a value of type {to}.",
        ) from None


def _to_bson(value: Any, to: LogicalType) -> Any:
    from bson import Binary, Decimal128, Int64

    match to.kind:
        case Kind.STRING | Kind.TEXT if isinstance(value, str):
            if to.kind is Kind.STRING and len(value) > (to.length or 0):
                raise ValueError("too long")
            return value
        case Kind.INTEGER if _whole(value) and value in INT32:
            return value
        case Kind.BIG_INTEGER if _whole(value) and value in INT64:
            return Int64(value)
        case Kind.FLOAT if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case Kind.DECIMAL if isinstance(value, str | int | float) and not isinstance(value, bool):
            scale = Decimal(1).scaleb(-(to.scale or 0))
            exact = Decimal(str(value))
            if exact != exact.quantize(scale) or abs(exact) >= Decimal(10) ** (
                (to.precision or 0) - (to.scale or 0)
            ):
                raise ValueError("too many digits")
            return Decimal128(exact.quantize(scale))
        case Kind.BOOLEAN if isinstance(value, bool):
            return value
        case Kind.DATE if isinstance(value, str):
            return datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)
        case Kind.DATE_TIME if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        case Kind.UUID if isinstance(value, str):
            return Binary(uuid.UUID(value).bytes, 4)
        case Kind.BINARY if isinstance(value, str):
            return Binary(base64.b64decode(value, validate=True))
        case Kind.JSON:
            return value
        case Kind.ARRAY if isinstance(value, list) and to.of is not None:
            parts = cast("list[Any]", value)
            return [None if part is None else _to_bson(part, to.of) for part in parts]
        case _:
            raise ValueError("another type")


def type_here(declared: LogicalType | None, field: Field | None) -> LogicalType | None:
    """Return the type by which a literal for a field is read: the declared one, unless the documents hold another."""
    if declared is None or declared.kind not in BSON_TYPE or (field and not _may_be(declared, field)):
        return field.type if field is not None else None
    return declared


def _may_be(declared: LogicalType, field: Field) -> bool:
    there = frozenset(field.native_type.split("|"))
    word = BSON_TYPE[declared.kind]
    return word in there or (word in _INTEGERS and bool(there & _INTEGERS)) or not there & _BSON_WORDS


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
