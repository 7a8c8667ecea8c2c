"""One logical type for both databases, and what a conversion between two of them can lose."""

import re
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import GetJsonSchemaHandler, PlainSerializer, model_validator
from pydantic.functional_validators import BeforeValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from skill_server.model.base import Frozen
from skill_server.model.ids import Name


class Kind(StrEnum):
    """The families of logical types; parameters make a type of a family."""

    STRING = "String"
    TEXT = "Text"
    INTEGER = "Integer"
    BIG_INTEGER = "BigInteger"
    FLOAT = "Float"
    DECIMAL = "Decimal"
    BOOLEAN = "Boolean"
    DATE = "Date"
    DATE_TIME = "DateTime"
    JSON = "Json"
    UUID = "Uuid"
    BINARY = "Binary"
    ARRAY = "Array"
    REFERENCE = "Reference"


_SPELLING = re.compile(r"\s*([A-Za-z]+)\s*(?:\(\s*(.*?)\s*\))?\s*", re.DOTALL)


class LogicalType(Frozen):
    """A type as an author writes it: `String(40)`, `Decimal(12,2)`, `DateTime(tz)`, `Array(Text)`, `Reference(items)`.

    `of` is the type of an array's elements, `entity` the one whose key a reference holds.
    """

    kind: Kind
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    timezone: bool = False
    of: "LogicalType | None" = None
    entity: Name | None = None

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        if self.kind is Kind.STRING and (self.length is None or not 1 <= self.length <= 10_485_760):
            raise ValueError(
                "String takes a length from 1 to 10485760, as in String(40); use Text for no limit"
            )
        if self.kind is Kind.DECIMAL and (
            self.precision is None
            or not 1 <= self.precision <= 1000
            or not 0 <= (self.scale or 0) <= self.precision
        ):
            raise ValueError("Decimal takes precision and scale, as in Decimal(12,2)")
        # PostgreSQL does not tell an array of arrays from an array (manual, section 8.15.1).
        nested = self.of is not None and self.of.kind in (Kind.ARRAY, Kind.REFERENCE)
        if (self.kind is Kind.ARRAY) is not (self.of is not None) or nested:
            raise ValueError(
                "Array takes the type of its elements, as in Array(Text); use Json for arrays of arrays"
            )
        if (self.kind is Kind.REFERENCE) is not (self.entity is not None):
            raise ValueError("Reference takes the entity it points to, as in Reference(items)")
        return self

    def __str__(self) -> str:
        match self.kind:
            case Kind.STRING:
                return f"String({self.length})"
            case Kind.DECIMAL:
                return f"Decimal({self.precision},{self.scale or 0})"
            case Kind.DATE_TIME:
                return "DateTime(tz)" if self.timezone else "DateTime"
            case Kind.ARRAY:
                return f"Array({self.of})"
            case Kind.REFERENCE:
                return f"Reference({self.entity})"
            case _:
                return str(self.kind)


def parse(text: object) -> LogicalType:
    """Read the spelling of a logical type; raise ValueError with what would be right."""
    if isinstance(text, LogicalType):
        return text
    if not isinstance(text, str) or (match := _SPELLING.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is not a type; write for example String(40), Integer, Decimal(12,2)")
    word, inside = match.group(1), match.group(2)
    kinds = {kind.value.lower(): kind for kind in Kind}
    kind = kinds.get(word.lower())
    if kind is None:
        raise ValueError(f"unknown type {word!r}; known types: {', '.join(Kind)}")
    values: dict[str, Any] = {"kind": kind}
    if kind in (Kind.ARRAY, Kind.REFERENCE):
        values |= {"of": parse(inside)} if kind is Kind.ARRAY and inside else {"entity": inside or None}
        return LogicalType(**values)
    parts = [part.strip() for part in inside.split(",")] if inside else []
    if kind is Kind.DATE_TIME and parts in (["tz"], ["timezone"]):
        values["timezone"] = True
    elif parts and not all(part.isdecimal() for part in parts):
        raise ValueError(f"the parameters of {word} are whole numbers, not {inside!r}")
    elif kind is Kind.STRING and len(parts) == 1:
        values["length"] = int(parts[0])
    elif kind is Kind.DECIMAL and len(parts) in (1, 2):
        values["precision"], values["scale"] = int(parts[0]), int(parts[1]) if len(parts) == 2 else 0
    elif parts:
        raise ValueError(f"{word} takes no such parameters: {inside!r}")
    return LogicalType(**values)


class _AsText:
    @classmethod
    def __get_pydantic_json_schema__(
        cls, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "description": "String(n), Text, Integer, BigInteger, Float, Decimal(p,s), Boolean, Date, DateTime, "
            "DateTime(tz), Json, Uuid, Binary, Array(type) or Reference(entity)",
        }


FieldType = Annotated[LogicalType, BeforeValidator(parse), PlainSerializer(str, return_type=str), _AsText]


class BadValues(StrEnum):
    """What becomes of a value that does not convert; its old spelling is kept aside in every case.

    `fail` refuses to begin, with the keys of the records. `null` leaves the field empty, `default` puts a default
    there. `keep` is `null`, and finalizing the migration deletes every kept value but these.
    """

    FAIL = "fail"
    NULL = "null"
    DEFAULT = "default"
    KEEP = "keep"


class Fidelity(StrEnum):
    """What a conversion does to values."""

    LOSSLESS = "lossless"
    CHECKED = "checked"
    LOSSY = "lossy"


_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
_WHOLE = frozenset({Kind.INTEGER, Kind.BIG_INTEGER})
_NUMERIC = _WHOLE | {Kind.DECIMAL, Kind.FLOAT}
# JSON knows no infinity and no NaN, and text here no year before 1 or after 9999.
_BOUNDED = frozenset({Kind.FLOAT, Kind.DECIMAL, Kind.DATE, Kind.DATE_TIME})


def fidelity(source: LogicalType, target: LogicalType) -> Fidelity | None:
    """Say what converting every value of `source` to `target` can do, or None where no conversion is defined.

    `lossless`: each value goes over and comes back the same. `checked`: values that cannot go over are found before
    anything runs, the others come back the same in meaning. `lossy`: even values that go over may lose digits. Where
    there is a way there is one back.
    """
    if source == target:
        return Fidelity.LOSSLESS
    if Kind.REFERENCE in (source.kind, target.kind):
        return None
    if Kind.ARRAY in (source.kind, target.kind):
        return _array_fidelity(source, target)
    if target.kind in _TEXTUAL:
        return _fidelity_to_text(source, target)
    if source.kind in _TEXTUAL:
        return Fidelity.LOSSLESS if target.kind is Kind.BINARY else Fidelity.CHECKED
    if source.kind in _NUMERIC and target.kind in _NUMERIC:
        return _numeric_fidelity(source, target)
    match source.kind, target.kind:
        case Kind.DATE_TIME, Kind.DATE_TIME:
            return Fidelity.LOSSLESS
        case Kind.DATE, Kind.DATE_TIME:
            # PostgreSQL has days beyond its last moment.
            return Fidelity.CHECKED
        case Kind.DATE_TIME, Kind.DATE:
            return Fidelity.LOSSY
        case Kind.BOOLEAN, Kind.INTEGER | Kind.BIG_INTEGER:
            return Fidelity.LOSSLESS
        case Kind.INTEGER | Kind.BIG_INTEGER, Kind.BOOLEAN:
            return Fidelity.CHECKED
        case _:
            return None


def _fidelity_to_text(source: LogicalType, target: LogicalType) -> Fidelity:
    if target.kind is Kind.STRING:
        longer = source.kind is Kind.STRING and (source.length or 0) <= (target.length or 0)
        return Fidelity.LOSSLESS if longer else Fidelity.CHECKED
    checked = source.kind in (Kind.DATE, Kind.DATE_TIME, Kind.BINARY)
    return Fidelity.CHECKED if checked else Fidelity.LOSSLESS


def _array_fidelity(source: LogicalType, target: LogicalType) -> Fidelity | None:
    if source.of is not None and target.of is not None:
        return fidelity(source.of, target.of)
    elements = source.of or target.of
    if Kind.JSON in (source.kind, target.kind) and elements is not None:
        if elements.kind is Kind.BINARY:
            return None
        plain = target.kind is Kind.JSON and elements.kind not in _BOUNDED
        return Fidelity.LOSSLESS if plain else Fidelity.CHECKED
    if source == target.of:
        return Fidelity.LOSSLESS
    return Fidelity.CHECKED if source.of == target else None


def _numeric_fidelity(source: LogicalType, target: LogicalType) -> Fidelity:
    if target.kind is Kind.BIG_INTEGER and source.kind is Kind.INTEGER:
        return Fidelity.LOSSLESS
    if target.kind in _WHOLE:
        return Fidelity.CHECKED if source.kind in _WHOLE else Fidelity.LOSSY
    if target.kind is Kind.FLOAT:
        # A double holds every integer up to 2^53 exactly, so only Integer goes over whole (IEEE 754).
        return Fidelity.LOSSLESS if source.kind is Kind.INTEGER else Fidelity.LOSSY
    if source.kind is Kind.DECIMAL and (target.scale or 0) >= (source.scale or 0):
        return Fidelity.CHECKED
    return Fidelity.CHECKED if source.kind in _WHOLE else Fidelity.LOSSY
