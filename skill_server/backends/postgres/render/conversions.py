"""How values go from one logical type to another in SQL, and how to find those that cannot.

Everything is an expression over one operand that never raises where `unfit` is false, on every supported server.
Moments without offset are read as UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass

from skill_server.backends import spellings
from skill_server.backends.postgres.render.text_shapes import (
    is_day,
    is_double,
    is_json,
    is_utf8,
    matches,
    one_of,
    trimmed,
    unless,
)
from skill_server.backends.postgres.schema import types
from skill_server.model.logical import Kind, LogicalType, fidelity

Sql = Callable[[str], str]

_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
_LIMITS = {Kind.INTEGER: 2**31, Kind.BIG_INTEGER: 2**63}
_LAST_MOMENT = "294276-12-31"


@dataclass(frozen=True)
class Conversion:
    """`value` converts an operand that is not NULL and not `unfit`; without `unfit` every value goes over.

    What holds a `query` cannot stand in the default of a column.
    """

    value: Sql
    unfit: Sql | None = None
    query: bool = False

    def or_else(self, instead: str) -> "Conversion":
        """Return the same conversion with another value for what does not convert."""
        value, unfit = self.value, self.unfit
        if unfit is None:
            return self
        return Conversion(
            lambda x: f"CASE WHEN {unfit(x)} THEN {instead} ELSE {value(x)} END", query=self.query
        )


def conversion(was: LogicalType, to: LogicalType) -> Conversion | None:
    """Return the conversion, or None where none is defined."""
    if fidelity(was, to) is None:
        return None
    if was.of is not None or to.of is not None:
        return _array(was, to)
    if to.kind in _TEXTUAL:
        return _limited(_to_text(was), to)
    if was.kind in _TEXTUAL:
        return _from_text(to)
    if to.kind in _LIMITS:
        return _to_whole(was, to)
    native = types.native(to)
    if to.kind is Kind.DECIMAL:
        # A double goes over by its shortest spelling; the direct cast keeps 15 digits only.
        spelled = "::text::numeric" if was.kind is Kind.FLOAT else "::numeric"
        return Conversion(lambda x: f"{x}{spelled}::{native}", lambda x: _too_big(f"{x}{spelled}", to))
    if to.kind is Kind.FLOAT:
        holds = was.kind is Kind.DECIMAL
        return Conversion(
            lambda x: f"{x}::{native}", (lambda x: f"NOT ({_nan(x)} OR {is_double(x)})") if holds else None
        )
    if to.kind is Kind.BOOLEAN:
        return Conversion(lambda x: f"({x} = 1)", lambda x: f"{x} NOT IN (0, 1)")
    late = f"isfinite(%s) AND %s > '{_LAST_MOMENT}'::date"
    return Conversion(
        lambda x: _moment(x, was, to), (lambda x: late % (x, x)) if was.kind is Kind.DATE else None
    )


def _limited(text: Conversion, to: LogicalType) -> Conversion:
    # A cast to character varying(n) would cut, so the value stays text and the column checks its length.
    if to.kind is Kind.TEXT:
        return text
    value, unfit = text.value, text.unfit

    def too_long(x: str) -> str:
        return f"char_length({value(x)}) > {to.length}"

    if unfit is None:
        return Conversion(value, too_long)
    return Conversion(value, lambda x: f"CASE WHEN {unfit(x)} THEN true ELSE {too_long(x)} END")


def _to_text(was: LogicalType) -> Conversion:
    if was.kind is Kind.BINARY:
        return Conversion(lambda x: f"convert_from({x}, 'UTF8')", lambda x: f"NOT ({is_utf8(x)})")
    if was.kind is Kind.DATE:
        return Conversion(
            lambda x: f"to_char({x}, 'YYYY-MM-DD')",
            lambda x: f"{x} NOT BETWEEN '0001-01-01'::date AND '9999-12-31'::date",
        )
    if was.kind is Kind.DATE_TIME:
        end = " || 'Z'" if was.timezone else ""
        spelled = """replace(to_char(%s, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', '')"""
        first, last = "'0001-01-01'::timestamp", "'9999-12-31 23:59:59.999999'::timestamp"
        return Conversion(
            lambda x: f"({spelled % _in_utc(x, was)}{end})",
            lambda x: f"{_in_utc(x, was)} NOT BETWEEN {first} AND {last}",
        )
    return Conversion(lambda x: f"{x}::text")


def _in_utc(x: str, was: LogicalType) -> str:
    return f"({x} AT TIME ZONE 'UTC')" if was.timezone else x


def _to_whole(was: LogicalType, to: LogicalType) -> Conversion:
    native, limit = types.native(to), _LIMITS[to.kind]
    if was.kind is Kind.BOOLEAN:
        return Conversion(lambda x: f"{x}::integer::{native}")
    # NaN sorts above every number, so the range refuses it too (manual, sections 8.1.2 and 8.1.3).
    if was.kind is Kind.FLOAT:
        ends = f">= (-{limit})::double precision AND round(%s) < {limit}::double precision"
        return Conversion(lambda x: f"round({x})::{native}", lambda x: f"NOT (round({x}) {ends % x})")
    return Conversion(
        lambda x: f"round({x}::numeric)::{native}",
        lambda x: f"round({x}::numeric) NOT BETWEEN {-limit} AND {limit - 1}",
    )


def _from_text(to: LogicalType) -> Conversion:
    native = types.native(to)

    def plain(x: str) -> str:
        return f"{x}::text::{native}"

    if to.kind is Kind.BINARY:
        return Conversion(lambda x: f"convert_to({x}::text, 'UTF8')")
    if to.kind is Kind.JSON:
        return Conversion(plain, lambda x: f"NOT {is_json(f'{x}::text')}")
    if to.kind is Kind.UUID:
        return Conversion(plain, lambda x: f"NOT ({matches(f'{x}::text', spellings.UUID)})")
    if to.kind is Kind.BOOLEAN:

        def word(x: str) -> str:
            return f'lower({trimmed(f"{x}::text")} COLLATE "C")'

        return Conversion(
            lambda x: f"({one_of(word(x), spellings.TRUE)})",
            lambda x: f"NOT ({one_of(word(x), spellings.TRUE + spellings.FALSE)})",
        )
    if to.kind in (Kind.DATE, Kind.DATE_TIME):
        shape = spellings.DAY if to.kind is Kind.DATE else spellings.moment(timezone=to.timezone)
        return Conversion(plain, lambda x: unless(matches(f"{x}::text", shape), is_day(f"{x}::text")))
    return Conversion(lambda x: f"{trimmed(f'{x}::text')}::{native}", _no_number(to))


def _no_number(to: LogicalType) -> Sql:
    if (limit := _LIMITS.get(to.kind)) is not None:

        def unfit_whole(x: str) -> str:
            text = trimmed(f"{x}::text")
            return unless(matches(text, spellings.WHOLE), f"{text}::numeric BETWEEN {-limit} AND {limit - 1}")

        return unfit_whole
    words = (spellings.NOT_A_NUMBER, *(spellings.INFINITIES if to.kind is Kind.FLOAT else ()))

    def unfit(x: str) -> str:
        text = trimmed(f"{x}::text")
        number = f"{text}::numeric"
        shape = f"char_length({text}) <= {spellings.LONGEST_NUMBER} AND {matches(text, spellings.NUMBER)}"
        if to.kind is Kind.FLOAT:
            # Digits that a double does not keep would be lost without a word.
            kept = f"{text}::double precision::text::numeric = {number}"
            bad = unless(shape, f"CASE WHEN {is_double(number)} THEN {kept} ELSE false END")
        else:
            digits = f"{number} = round({number}, {to.scale or 0})"
            bad = unless(shape, f"{digits} AND NOT ({_too_big(number, to)})")
        return f"CASE WHEN {one_of(f'{x}::text', words)} THEN false ELSE {bad} END"

    return unfit


def _too_big(number: str, to: LogicalType) -> str:
    # Between numbers a digit too many is rounded, which the fidelity says: lossy.
    scale = to.scale or 0
    limit = "1" + "0" * ((to.precision or 0) - scale)
    infinite = f"{number} IN ('Infinity'::numeric, '-Infinity'::numeric)"
    big = f"CASE WHEN {infinite} THEN true ELSE abs(round({number}, {scale})) >= {limit} END"
    return f"CASE WHEN {_nan(number)} THEN false ELSE {big} END"


def _nan(number: str) -> str:
    return f"{number} = 'NaN'::numeric"


def _moment(x: str, was: LogicalType, to: LogicalType) -> str:
    if was.kind is Kind.DATE:
        moment = f"{x}::timestamp without time zone"
        return f"({moment} AT TIME ZONE 'UTC')" if to.timezone else moment
    if to.kind is Kind.DATE:
        return f"{_in_utc(x, was)}::date"
    return f"({x} AT TIME ZONE 'UTC')"


def _array(was: LogicalType, to: LogicalType) -> Conversion | None:
    native = types.native(to)
    if to.kind is Kind.JSON and was.of is not None:
        return _array_to_json(was.of)
    if was.kind is Kind.JSON and to.of is not None:
        return _json_to_array(to.of, native)
    if was.of == to and was.of is not None:
        one = "(%s)[array_lower(%s, 1)]"
        return Conversion(
            lambda x: one % (x, x),
            lambda x: f"(cardinality({x}) <> 1 OR {one % (x, x)} IS NULL)",
        )
    if was == to.of:
        return Conversion(lambda x: f"ARRAY[{x}]::{native}")
    element = conversion(was.of, to.of) if was.of is not None and to.of is not None else None
    return None if element is None else _each(element, native)


def _each(element: Conversion, native: str) -> Conversion:
    """Convert every element; NULL stays NULL, and an array of arrays is not one of the type."""
    value, unfit = element.value, element.unfit

    def converted(x: str) -> str:
        each = f"CASE WHEN e IS NOT NULL THEN {value('e')} END"
        parts = f"SELECT {each} FROM unnest({x}) WITH ORDINALITY AS u (e, place) ORDER BY place"
        return f"ARRAY({parts})::{native}"

    def bad(x: str) -> str:
        found = (
            "" if unfit is None else f" OR EXISTS (SELECT FROM unnest({x}) AS u (e) WHERE {_there(unfit)})"
        )
        return f"(COALESCE(array_ndims({x}), 1) > 1{found})"

    return Conversion(converted, bad, query=True)


def _there(unfit: Sql) -> str:
    return f"CASE WHEN e IS NULL THEN false ELSE {unfit('e')} END"


def _array_to_json(of: LogicalType) -> Conversion:
    if of.kind in (Kind.DATE, Kind.DATE_TIME):
        texts = _each(_to_text(of), "text[]")
        return Conversion(lambda x: f"to_jsonb({texts.value(x)})", texts.unfit, query=True)
    special = {Kind.FLOAT: "double precision", Kind.DECIMAL: "numeric"}.get(of.kind)
    nested = "COALESCE(array_ndims(%s), 1) > 1"
    if special is None:
        return Conversion(lambda x: f"to_jsonb({x})", lambda x: nested % x)
    words = ", ".join(f"'{word}'::{special}" for word in (spellings.NOT_A_NUMBER, *spellings.INFINITIES))
    return Conversion(
        lambda x: f"to_jsonb({x})",
        lambda x: f"({nested % x} OR EXISTS (SELECT FROM unnest({x}) AS u (e) WHERE e IN ({words})))",
        query=True,
    )


def _json_to_array(of: LogicalType, native: str) -> Conversion:
    element = Conversion(lambda x: x) if of.kind is Kind.JSON else conversion(LogicalType(kind=Kind.TEXT), of)
    read = element or Conversion(lambda x: x)
    type_of = {Kind.BOOLEAN: "boolean", **dict.fromkeys((*_LIMITS, Kind.FLOAT, Kind.DECIMAL), "number")}
    wanted, plain = type_of.get(of.kind, "string"), "(e #>> '{}')"
    source = "e" if of.kind is Kind.JSON else plain

    def parts(x: str) -> str:
        return f"jsonb_array_elements({x}::text::jsonb)"

    def converted(x: str) -> str:
        each = f"CASE WHEN jsonb_typeof(e) <> 'null' THEN {read.value(source)} END"
        rows = f"{parts(x)} WITH ORDINALITY AS u (e, place)"
        return f"ARRAY(SELECT {each} FROM {rows} ORDER BY place)::{native}"

    def unfit(x: str) -> str:
        inside = read.unfit(source) if read.unfit is not None else "false"
        if of.kind is not Kind.JSON:
            inside = (
                f"CASE jsonb_typeof(e) WHEN 'null' THEN false WHEN '{wanted}' THEN {inside} ELSE true END"
            )
        bad = f"EXISTS (SELECT FROM {parts(x)} AS u (e) WHERE {inside})"
        listed = f"CASE WHEN jsonb_typeof({x}::text::jsonb) = 'array' THEN {bad} ELSE true END"
        # A column of type json holds texts that jsonb refuses, such as an escaped NUL.
        return f"CASE WHEN {is_json(f'{x}::text')} THEN {listed} ELSE true END"

    return Conversion(converted, unfit, query=True)
