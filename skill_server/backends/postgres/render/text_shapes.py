"""Conditions on text and bytes in plain SQL: what would a cast accept?

The same expressions hold on every supported server (`pg_input_is_valid` came with PostgreSQL 16), and never raise.
"""

from skill_server.backends import spellings
from skill_server.backends.postgres.literals import text_literal

# Stand for a string and for any other value once they are read; JSON has no control characters but white space.
_STRING, _VALUE = r"\u0001", r"\u0002"
_HEX = "[0-9a-fA-F]"
_ESCAPED = (
    f"u(?!0000|[dD][89a-fA-F]){_HEX}{{4}}"
    rf"|u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}"
)
_JSON_STRING = rf'"([^"\\\u0001-\u001f]|\\(["\\/bfnrt]|{_ESCAPED}))*"'
_JSON_SCALAR = f"{spellings.JSON_NUMBER}|true|false|null"
_ANY = f"[{_STRING}{_VALUE}]"
_MEMBER = f"{_STRING}:{_ANY}"
_INNERMOST = rf"\[({_ANY}(,{_ANY})*)?\]|\{{({_MEMBER}(,{_MEMBER})*)?\}}"
_FORBIDDEN = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f]"
_NEXT = "[89ab][0-9a-f]"
# Well-formed UTF-8 as pairs of hexadecimal digits (RFC 3629, section 4), without NUL, which text cannot hold.
_UTF8 = (
    "^(0[1-9a-f]|[1-7][0-9a-f]"
    f"|(c[2-9a-f]|d[0-9a-f]){_NEXT}"
    f"|(e0[ab][0-9a-f]|ed[89][0-9a-f]|e[1-9a-cef]{_NEXT}){_NEXT}"
    f"|(f0[9ab][0-9a-f]|f[1-3]{_NEXT}|f48[0-9a-f]){_NEXT}{_NEXT})*$"
)


def matches(text: str, pattern: str) -> str:
    """Say that a whole text has a shape."""
    return f"{text} ~ {text_literal(f'^({pattern})$')}"


def trimmed(text: str) -> str:
    """Return a text without the white space around it, which is that of `spellings.SPACES`."""
    return f"btrim({text}, E' \\t\\n\\r\\f\\x0B')"


def one_of(text: str, words: tuple[str, ...]) -> str:
    """Say that a text is one of these words."""
    return f"{text} IN ({', '.join(text_literal(word) for word in words)})"


def unless(shape: str, fits: str) -> str:
    """Say that a value does not fit, asking whether it does only where it has the shape."""
    # Only CASE promises that the cast is not tried on text of another shape (manual, section 4.2.14).
    return f"CASE WHEN {shape} THEN NOT ({fits}) ELSE true END"


def is_day(text: str) -> str:
    """Say that a text of the shape of a day names one of the calendar."""
    month = f"to_date(left({text}, 7), 'YYYY-MM')"
    last = f"extract(day FROM {month} + interval '1 month' - interval '1 day')"
    return f"substr({text}, 9, 2)::integer <= {last}"


def is_double(number: str) -> str:
    """Say that a number becomes a finite double, and zero only where it is zero (IEEE 754, rounding to nearest)."""
    return f"({number} = 0 OR abs({number}) BETWEEN 2.4703282292062328e-324 AND 1.7976931348623158e308)"


def is_json(text: str) -> str:
    """Say that a text is JSON that `jsonb` takes: strings, then scalars, then brackets from inside to outside."""

    def replaced(source: str, pattern: str, by: str) -> str:
        return f"regexp_replace({source}, {text_literal(pattern)}, {by}, 'g')"

    read = replaced(replaced(text, _JSON_STRING, "chr(1)"), _JSON_SCALAR, "chr(2)")
    read = replaced(read, r"[ \t\n\r]", "''")
    return (
        "COALESCE((WITH RECURSIVE reading (rest, depth) AS ("
        f"SELECT {read}, 0 WHERE {text} !~ {text_literal(_FORBIDDEN)} "
        f"UNION ALL SELECT {replaced('rest', _INNERMOST, 'chr(2)')}, depth + 1 FROM reading "
        f"WHERE depth < {spellings.DEEPEST_JSON} AND rest ~ {text_literal(_INNERMOST)}) "
        f"SELECT rest ~ {text_literal(f'^{_ANY}$')} FROM reading ORDER BY depth DESC LIMIT 1), false)"
    )


def is_utf8(binary: str) -> str:
    """Say that bytes are text in UTF-8."""
    return f"encode({binary}, 'hex') ~ {text_literal(_UTF8)}"
