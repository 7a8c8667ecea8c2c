"""How values go from one logical type to another in SQL, and how to find those that cannot.

Everything is an expression over one operand that never raises where `unfit` is false, on every supported server
(`pg_input_is_valid` came with PostgreSQL 16). Moments without offset are read as UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass

from skill_server.backends.postgres import types
from skill_server.model.logical import Kind, LogicalType, fidelity

Sql = Callable[[str], str]

_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
_LIMITS = {
    Kind.INTEGER: ("-2147483648", "2147483647"),
    Kind.BIG_INTEGER: ("-9223372036854775808", "9223372036854775807"),
}
_WHOLE = "^[[:space:]]*[+-]?[0-9]{1,30}[[:space:]]*$"
_NUMBER = "^[[:space:]]*[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?[[:space:]]*$"
_DAY = "^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = "[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
_OFFSET = "(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?"
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_TRUE, _FALSE = "('t', 'true', 'y', 'yes', 'on', '1')", "('f', 'false', 'n', 'no', 'off', '0')"


@dataclass(frozen=True)
class Conversion:
    """`value` converts an operand that is not NULL and not `unfit`; without `unfit` every value goes over."""

    value: Sql
    unfit: Sql | None = None


def conversion(was: LogicalType, to: LogicalType) -> Conversion | None:
    """Return the conversion, or None where none is defined or where its bad values could not be found first."""
    if fidelity(was, to) is None or (was.kind in _TEXTUAL and to.kind is Kind.JSON):
        # The texts that are no JSON cannot be listed before PostgreSQL 16.
        return None
    if to.kind in _TEXTUAL:
        return _to_text(to)
    if was.kind in _TEXTUAL:
        return _from_text(to)
    if to.kind in _LIMITS:
        return _to_whole(was, to)
    native = types.native(to)
    if to.kind is Kind.DECIMAL:
        # A double goes over by its shortest spelling; the direct cast keeps 15 digits only.
        spelled = "::text::numeric" if was.kind is Kind.FLOAT else "::numeric"
        return Conversion(
            lambda x: f"{x}{spelled}::{native}", lambda x: _unfit_decimal(f"{x}{spelled}", was, to)
        )
    if to.kind is Kind.FLOAT:
        big = was.kind is Kind.DECIMAL
        return Conversion(lambda x: f"{x}::{native}", (lambda x: f"NOT ({_is_double(x)})") if big else None)
    if to.kind is Kind.BOOLEAN:
        return Conversion(lambda x: f"({x} = 1)", lambda x: f"{x} NOT IN (0, 1)")
    return Conversion(lambda x: _moment(x, was, to))


def _to_text(to: LogicalType) -> Conversion:
    # A cast to character varying(n) would cut, so the value stays text and the column checks its length.
    if to.kind is Kind.TEXT:
        return Conversion(lambda x: f"{x}::text")
    return Conversion(lambda x: f"{x}::text", lambda x: f"char_length({x}::text) > {to.length}")


def _to_whole(was: LogicalType, to: LogicalType) -> Conversion:
    native = types.native(to)
    if was.kind is Kind.BOOLEAN:
        return Conversion(lambda x: f"{x}::integer::{native}")
    low, high = _LIMITS[to.kind]
    if was.kind is Kind.FLOAT:
        # Infinity and NaN have no numeric spelling before PostgreSQL 14, and no whole number anywhere.
        return Conversion(
            lambda x: f"round({x}::text::numeric)::{native}",
            lambda x: (
                f"CASE WHEN {_finite(x)} THEN round({x}::text::numeric) NOT BETWEEN {low} AND {high} ELSE true END"
            ),
        )
    # NaN sorts above every number, so the range refuses it too (manual, section 8.1.2).
    return Conversion(
        lambda x: f"round({x}::numeric)::{native}",
        lambda x: f"round({x}::numeric) NOT BETWEEN {low} AND {high}",
    )


def _from_text(to: LogicalType) -> Conversion:
    native = types.native(to)

    def plain(x: str) -> str:
        return f"{x}::text::{native}"

    def number(x: str) -> str:
        return f"{x}::text::numeric"

    if to.kind in _LIMITS:
        low, high = _LIMITS[to.kind]
        return Conversion(
            plain, lambda x: _unless(f"{x}::text ~ '{_WHOLE}'", f"{number(x)} BETWEEN {low} AND {high}")
        )
    if to.kind is Kind.DECIMAL:
        return Conversion(
            lambda x: f"{number(x)}::{native}",
            lambda x: _unless(f"{x}::text ~ '{_NUMBER}'", f"NOT ({_unfit_decimal(number(x), None, to)})"),
        )
    if to.kind is Kind.FLOAT:
        return Conversion(plain, lambda x: _unless(f"{x}::text ~ '{_NUMBER}'", _is_double(number(x))))
    if to.kind is Kind.BOOLEAN:
        known = f"lower(btrim(%s::text)) IN {_TRUE[:-1]}, {_FALSE[1:]}"
        return Conversion(lambda x: f"(lower(btrim({x}::text)) IN {_TRUE})", lambda x: f"NOT ({known % x})")
    if to.kind is Kind.UUID:
        return Conversion(plain, lambda x: f"{x}::text !~ '{_UUID}'")
    pattern = _DAY + ("$" if to.kind is Kind.DATE else f"({_TIME}{_OFFSET if to.timezone else ''})?$")
    return Conversion(plain, lambda x: _unless(f"{x}::text ~ '{pattern}'", _is_day(f"{x}::text")))


def _unless(shape: str, fits: str) -> str:
    # Only CASE promises that the cast is not tried on text of another shape (manual, section 4.2.14).
    return f"CASE WHEN {shape} THEN NOT ({fits}) ELSE true END"


def _is_day(text: str) -> str:
    month = f"to_date(left({text}, 7), 'YYYY-MM')"
    last = f"extract(day FROM {month} + interval '1 month' - interval '1 day')"
    return f"substr({text}, 9, 2)::integer <= {last}"


def _unfit_decimal(number: str, was: LogicalType | None, to: LogicalType) -> str:
    scale = to.scale or 0
    limit = "1" + "0" * ((to.precision or 0) - scale)
    too_big = f"abs(round({number}, {scale})) >= {limit}"
    if was is not None and was.kind is Kind.FLOAT:
        return f"CASE WHEN {_finite(number.removesuffix('::text::numeric'))} THEN {too_big} ELSE true END"
    # From text a digit that does not fit is a finding; between numbers the fidelity already says lossy.
    return f"{too_big} OR {number} <> round({number}, {scale})" if was is None else too_big


def _finite(x: str) -> str:
    return f"{x}::text NOT IN ('NaN', 'Infinity', '-Infinity')"


def _is_double(number: str) -> str:
    return f"{number} = 0 OR abs({number}) BETWEEN 1e-307 AND 1.79e308"


def _moment(x: str, was: LogicalType, to: LogicalType) -> str:
    if was.kind is Kind.DATE:
        moment = f"{x}::timestamp without time zone"
        return f"({moment} AT TIME ZONE 'UTC')" if to.timezone else moment
    local = f"({x} AT TIME ZONE 'UTC')" if was.timezone else x
    if to.kind is Kind.DATE:
        return f"{local}::date"
    return local if was.timezone is not to.timezone and was.timezone else f"({x} AT TIME ZONE 'UTC')"
