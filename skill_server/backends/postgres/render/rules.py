"""The condition that a rule is in SQL."""

from skill_server.backends.postgres.literals import literal, text_literal
from skill_server.backends.postgres.render.scene import unusable
from skill_server.errors import Invalid
from skill_server.model.logical import Kind
from skill_server.model.rule import Plain, Rule
from skill_server.model.snapshot import Field

_TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})
# Values of these types are written as text.
_WRITTEN = frozenset({Kind.DATE, Kind.DATE_TIME, Kind.DECIMAL, Kind.UUID})
_NUMERIC = frozenset({Kind.INTEGER, Kind.BIG_INTEGER, Kind.FLOAT, Kind.DECIMAL})


def is_text(field: Field) -> bool:
    """Say whether a column holds text of any length."""
    return field.type is not None and field.type.kind in _TEXTUAL


def condition(rule: Rule, column: str, field: Field) -> str:
    """Return the condition that a value of a column fulfils; NULL fulfils every one.

    Raises:
        Invalid: the rule has no meaning for values of this type (`action-not-understood`).
    """
    parts: list[str] = []
    if rule.minimum is not None:
        parts.append(f"{column} >= {_number(rule.minimum, field)}")
    if rule.maximum is not None:
        parts.append(f"{column} <= {_number(rule.maximum, field)}")
    if rule.one_of:
        parts.append(f"{column} IN ({', '.join(_plain(value, field) for value in rule.one_of)})")
    if rule.min_length is not None:
        parts.append(f"char_length({_text(column, field)}) >= {rule.min_length}")
    if rule.max_length is not None:
        parts.append(f"char_length({_text(column, field)}) <= {rule.max_length}")
    if rule.pattern is not None:
        parts.append(f"{_text(column, field)} ~ {text_literal(rule.pattern)}")
    return " AND ".join(parts)


def _number(value: float, field: Field) -> str:
    # `numeric` without precision is no logical type, but it is a number.
    if (field.type is None or field.type.kind not in _NUMERIC) and field.native_type != "numeric":
        raise _senseless("bounds are numbers", field)
    float_field = field.type is not None and field.type.kind is Kind.FLOAT
    return f"{text_literal(repr(value))}::{'double precision' if float_field else 'numeric'}"


def _plain(value: Plain, field: Field) -> str:
    if isinstance(value, bool):
        if field.type is None or field.type.kind is not Kind.BOOLEAN:
            raise _senseless(f"{value} is a truth value", field)
        return "true" if value else "false"
    if isinstance(value, str):
        if field.type is None:
            return f"{text_literal(value)}::{field.native_type}"
        if field.type.kind in _WRITTEN:
            return literal(value, field.type)
        if not is_text(field):
            raise _senseless(f"{value!r} is text", field)
        return text_literal(value)
    return _number(value, field)


def _text(column: str, field: Field) -> str:
    if not is_text(field):
        raise _senseless("lengths and patterns are for text", field)
    return column


def _senseless(what: str, field: Field) -> Invalid:
    return unusable(f"{what}, but {field.name} is {field.type or field.native_type}", "Correct the rule.")
