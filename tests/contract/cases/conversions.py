# ruff: noqa: E501 - a table is read by its rows
"""What every conversion makes of real values: said once, for both databases.

A value is written as PostgreSQL reads and prints it; `BAD` says that it does not convert and has to be listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skill_server.model.logical import fidelity, parse

BAD = None


@dataclass(frozen=True)
class Differs:
    """A value of which one database holds less than the other."""

    postgres: str | None
    mongodb: str | None


Expected = str | None | Differs
Cell = Mapping[str, Expected]

SCALARS = (
    "Text", "String(4)", "String(40)", "Integer", "BigInteger", "Float", "Decimal(6,2)", "Decimal(12,4)", "Boolean",
    "Date", "DateTime", "DateTime(tz)", "Json", "Uuid", "Binary",
)  # fmt: skip
_U = "00010203-0405-0607-0809-0a0b0c0d0e0f"
_SAME_WHOLE = {text: text for text in ("0", "1", "-1", "2147483647", "-2147483648")}
_WIDE = {
    text: text for text in ("2147483648", "9007199254740993", "9223372036854775807", "-9223372036854775808")
}
_DAYS = {text: text for text in ("0001-01-01", "2024-02-29", "9999-12-31")}
_NO_DAYS = dict.fromkeys(("infinity", "-infinity"))
_NAIVE: Cell = {
    "0001-01-01 00:00:00": "0001-01-01T00:00:00",
    "2026-03-29 01:30:00": "2026-03-29T01:30:00",
    "2026-10-25 00:30:00.001": "2026-10-25T00:30:00.001000",
    "9999-12-31 23:59:59.999": "9999-12-31T23:59:59.999000",
}
_ZONED: Cell = {f"{text}+00": f"{spelled}Z" for text, spelled in _NAIVE.items()}
_SHAPES = ("", "abc", "0x1f", "1_000", "1e", "--1", "1,5", "١٢", "\u00a07")
_TO_WHOLE: Cell = {
    "7": "7", " 7\t": "7", "+7": "7", "-0": "0", "00012": "12", "2147483647": "2147483647", "-2147483648": "-2147483648",
    "1.0": BAD, "1e3": BAD, "NaN": BAD, "9223372036854775808": BAD, **dict.fromkeys(_SHAPES),
}  # fmt: skip
_TO_DECIMAL: Cell = {
    "7": "7.00", " 7.5 ": "7.50", "+.5": "0.50", "5.": "5.00", "1e3": "1000.00", "007": "7.00", "-0.10": "-0.10",
    "1.005": BAD, "9999.99": "9999.99", "10000": BAD, "1e999999": BAD, "Infinity": BAD, "NaN": "NaN", "nan": BAD,
    "9" * 1001: BAD, **dict.fromkeys(_SHAPES),
}  # fmt: skip
_WORDS: Cell = {
    "t": "true", "True": "true", " yes ": "true", "ON": "true", "1": "true", "y": "true", "f": "false", "no": "false",
    "off": "false", "0": "false", "": BAD, "2": BAD, "maybe": BAD, "yess": BAD, "ｙes": BAD,
}  # fmt: skip
_TO_DAY: Cell = {
    **_DAYS, "": BAD, "2024-02-30": BAD, "2023-02-29": BAD, "2024-13-01": BAD, "2024-2-9": BAD, "20240229": BAD,
    "0000-01-01": BAD, "2024-02-29T00:00:00": BAD, " 2024-02-29": BAD, "today": BAD, "infinity": BAD, "10000-01-01": BAD,
    "2024-W09-4": BAD, "2024-02-29\n": BAD,
}  # fmt: skip
_TO_MOMENT: Cell = {
    "2026-03-29": "2026-03-29 00:00:00", "2026-03-29T01:30": "2026-03-29 01:30:00",
    "2026-03-29 01:30:00.5": "2026-03-29 01:30:00.5", "2026-03-29T01:30:00.123": "2026-03-29 01:30:00.123",
    "2026-03-29T01:30:00.123456": Differs("2026-03-29 01:30:00.123456", BAD), "2024-02-30T00:00:00": BAD, "": BAD,
    "2026-03-29T24:00:00": BAD, "2026-03-29T23:59:60": BAD, "20260329T013000": BAD, "now": BAD, "2026-03-29T01": BAD,
}  # fmt: skip
_TO_ZONED: Cell = {
    **{k: Differs(f"{v.postgres}+00", BAD) if isinstance(v, Differs) else v and f"{v}+00" for k, v in _TO_MOMENT.items()},
    "2026-03-29T01:30:00Z": "2026-03-29 01:30:00+00", "2026-03-29T03:30:00+02:00": "2026-03-29 01:30:00+00",
    "2026-03-29 03:30:00+0200": "2026-03-29 01:30:00+00", "2026-03-29T03:30:00+02": "2026-03-29 01:30:00+00",
    "2026-03-29T03:30:00+15:00": BAD, "2026-03-29T01:30:00 CET": BAD, "2026-03-29T01:30:00z": BAD,
}  # fmt: skip
_TO_JSON: Cell = {
    '{"b": 1, "a": [true, null, {"c": "ü"}]}': '{"b": 1, "a": [true, null, {"c": "ü"}]}', '{"a": 1, "a": 2}': '{"a": 2}',
    ' [1 , 2.5,-3e2] ': "[1, 2.5, -300]", '"text"': '"text"', "5": "5", "true": "true", "[]": "[]", "{}": "{}",
    '"\\u00fc\\ud83d\\ude00\\\\u0000"': '"ü😀\\\\u0000"', "0.1234567890123456789": "0.1234567890123456789",
    "9223372036854775807": "9223372036854775807", "9223372036854775808": Differs("9223372036854775808", BAD),
    '{"a": {"$x.y": 1}}': '{"a": {"$x.y": 1}}', "": BAD, "abc": BAD, "{": BAD, "[1,]": BAD, "[1 2]": BAD, "{1: 2}": BAD,
    "'a'": BAD, "01": BAD, "1.": BAD, ".5": BAD, "+1": BAD, "NaN": BAD, "Infinity": BAD, "tru e": BAD, "truefalse": BAD,
    '"\\u0000"': BAD, '"\\ud83d"': BAD, '"\\ude00\\ud83d"': BAD, '"\\x"': BAD, '"a\tb"': BAD, '{"a": 1} x': BAD, '"a': BAD,
    '{"a":}': BAD, "[[[": BAD, "\u00a01": BAD, "1e999999": BAD, "[" * 95 + "]" * 95: BAD, "[" * 80 + "]" * 80: "[" * 80 + "]" * 80,
    "\x01": BAD, "\x02": BAD, '{"\x01": 1}': BAD,
}  # fmt: skip
_FROM_FLOAT_TEXT = {
    text: text
    for text in (
        "0", "-0", "1", "0.1", "-2.5", "123456.789", "100000000000000", "1e+15", "1.2345678901234568e+17", "0.0001",
        "1e-05", "5e-324", "1.7976931348623157e+308", "9007199254740992", "NaN", "Infinity", "-Infinity",
    )
}  # fmt: skip
_TO_FLOAT: Cell = {
    **_FROM_FLOAT_TEXT, "9007199254740992": "9.007199254740992e+15", " 7 ": "7", "1.50": "1.5", "1e400": BAD, "1e-400": BAD,
    "9007199254740993": BAD, "0.1234567890123456789": BAD, "nan": BAD, "inf": BAD, "9" * 1001: BAD, **dict.fromkeys(_SHAPES),
}  # fmt: skip
_FLOAT_TEXT: Cell = {**_FROM_FLOAT_TEXT, "9007199254740992": "9.007199254740992e+15"}
_FLOAT_WHOLE: Cell = {
    "0.5": "0", "1.5": "2", "2.5": "2", "-2.5": "-2", "2147483647.4": "2147483647", "NaN": BAD, "Infinity": BAD,
    "9.223372036854775807e18": BAD, "1e300": BAD,
}  # fmt: skip
_FLOAT_DECIMAL: Cell = {
    "0.1": "0.10", "2.675": "2.68", "-0.005": "-0.01", "1.005": "1.01", "9999.994": "9999.99", "9999.995": BAD,
    "1e300": BAD, "Infinity": BAD, "NaN": "NaN",
}  # fmt: skip
_DECIMAL_WHOLE: Cell = {"0.50": "1", "1.50": "2", "2.50": "3", "-2.50": "-3", "7.49": "7", "NaN": BAD}
_MIDNIGHT = {day: f"{day} 00:00:00" for day in _DAYS}
_BYTES: Cell = {
    "\\x": "", "\\x616263": "abc", "\\xc3bc": "ü", "\\xe298ba": "☺", "\\xf09f9880": "😀", "\\x00": BAD, "\\x6100": BAD,
    "\\xff": BAD, "\\xc0af": BAD, "\\xe0809f": BAD, "\\xeda080": BAD, "\\xf4908080": BAD, "\\xc3": BAD, "\\xf48fbfbf": "\U0010ffff",
}  # fmt: skip
_JSON_TEXT: Cell = {
    text: text
    for text in ('{"a": [1, "ü", null]}', '"text"', "5", "1.5", "true", "[]", "{}", '{"": {"x": "\\"\\\\\\n"}}', "-7")
}  # fmt: skip


def _cut(cell: Cell, length: int) -> Cell:
    """Return the same values for a text of at most so many characters."""
    texts = {text: new.postgres if isinstance(new, Differs) else new for text, new in cell.items()}
    return {
        text: cell[text] if new is not None and len(new) <= length else BAD for text, new in texts.items()
    }


def _to_texts(source: str, cell: Cell) -> dict[tuple[str, str], Cell]:
    widths = {"Text": 10_000, "String(4)": 4, "String(40)": 40}
    return {(source, to): _cut(cell, width) for to, width in widths.items() if to != source}


def _from_texts(to: str, cell: Cell) -> dict[tuple[str, str], Cell]:
    widths = {"Text": 10_000, "String(4)": 4, "String(40)": 40}
    found: dict[tuple[str, str], Cell] = {}
    for source, width in widths.items():
        fitting = {text: new for text, new in cell.items() if len(text) <= width}
        if source != to:
            found[source, to] = fitting
    return found


_WORDY: Cell = {
    text: text for text in ("", " ", "abc", "größe 4", "工具箱!", "😀😀😀😀", "a longer text", "it's \\ \"\n")
}
CELLS: dict[tuple[str, str], Cell] = {
    **_to_texts("Text", _WORDY), ("String(4)", "Text"): _cut(_WORDY, 4) and {k: k for k in _WORDY if len(k) <= 4},
    ("String(4)", "String(40)"): {k: k for k in _WORDY if len(k) <= 4}, ("String(40)", "Text"): _WORDY,
    ("String(40)", "String(4)"): _cut(_WORDY, 4),
    **_to_texts("Integer", _SAME_WHOLE), **_to_texts("BigInteger", {**_SAME_WHOLE, **_WIDE}),
    **_to_texts("Float", _FLOAT_TEXT),
    **_to_texts("Decimal(6,2)", {k: k for k in ("0.00", "12.50", "-0.10", "9999.99", "NaN")}),
    **_to_texts("Decimal(12,4)", {k: k for k in ("0.0000", "12.5000", "-99999999.9999", "NaN")}),
    **_to_texts("Boolean", {"true": "true", "false": "false"}),
    **_to_texts("Date", {**_DAYS, **_NO_DAYS}),
    **_to_texts("DateTime", {**_NAIVE, **_NO_DAYS, "2026-03-29 01:30:00.123456": Differs("2026-03-29T01:30:00.123456", "2026-03-29T01:30:00.123000")}),
    **_to_texts("DateTime(tz)", {**_ZONED, **_NO_DAYS}),
    **_to_texts("Json", _JSON_TEXT), **_to_texts("Uuid", {_U: _U}), **_to_texts("Binary", _BYTES),
    **_from_texts("Integer", {**_TO_WHOLE, "2147483648": BAD}),
    **_from_texts("BigInteger", {**_TO_WHOLE, "2147483648": "2147483648", "9223372036854775807": "9223372036854775807"}),
    **_from_texts("Float", _TO_FLOAT), **_from_texts("Decimal(6,2)", _TO_DECIMAL),
    **_from_texts("Decimal(12,4)", {"1.005": "1.0050", "7": "7.0000", "1.00005": BAD, "99999999.9999": "99999999.9999", "1e8": BAD}),
    **_from_texts("Boolean", _WORDS), **_from_texts("Date", _TO_DAY),
    **_from_texts("DateTime", {**_TO_MOMENT, "2026-03-29T01:30:00Z": BAD, "2026-03-29T01:30:00+02:00": BAD}),
    **_from_texts("DateTime(tz)", _TO_ZONED), **_from_texts("Json", _TO_JSON),
    **_from_texts("Uuid", {_U: _U, _U.upper(): _U, _U.replace("-", ""): BAD, f"{{{_U}}}": BAD, f" {_U}": BAD, "": BAD}),
    **_from_texts("Binary", {"": "\\x", "abc": "\\x616263", "ü😀": "\\xc3bcf09f9880"}),
    ("Integer", "BigInteger"): _SAME_WHOLE, ("BigInteger", "Integer"): {**_SAME_WHOLE, **dict.fromkeys(_WIDE)},
    ("Integer", "Float"): _SAME_WHOLE and {k: k for k in _SAME_WHOLE},
    ("BigInteger", "Float"): {"0": "0", "-1": "-1", "9007199254740993": "9.007199254740992e+15",
                              "9223372036854775807": "9.223372036854776e+18"},
    ("Integer", "Decimal(6,2)"): {"0": "0.00", "9999": "9999.00", "-9999": "-9999.00", "10000": BAD, "-2147483648": BAD},
    ("Integer", "Decimal(12,4)"): {"7": "7.0000", "99999999": "99999999.0000", "100000000": BAD},
    ("BigInteger", "Decimal(6,2)"): {"0": "0.00", "9999": "9999.00", "10000": BAD, "9223372036854775807": BAD},
    ("BigInteger", "Decimal(12,4)"): {"-99999999": "-99999999.0000", "2147483648": BAD, "9223372036854775807": BAD},
    ("Integer", "Boolean"): {"0": "false", "1": "true", "2": BAD, "-1": BAD},
    ("BigInteger", "Boolean"): {"0": "false", "1": "true", "9223372036854775807": BAD},
    ("Boolean", "Integer"): {"true": "1", "false": "0"}, ("Boolean", "BigInteger"): {"true": "1", "false": "0"},
    ("Float", "Integer"): {**_FLOAT_WHOLE, "2147483647.5": BAD, "-2147483648.5": "-2147483648", "4294967296": BAD},
    ("Float", "BigInteger"): {**_FLOAT_WHOLE, "2147483647.5": "2147483648", "-9.223372036854775808e18": "-9223372036854775808"},
    ("Float", "Decimal(6,2)"): _FLOAT_DECIMAL,
    ("Float", "Decimal(12,4)"): {"0.1": "0.1000", "1.00005": "1.0001", "123456.789": "123456.7890", "1e8": BAD, "NaN": "NaN"},
    ("Decimal(6,2)", "Integer"): _DECIMAL_WHOLE, ("Decimal(6,2)", "BigInteger"): _DECIMAL_WHOLE,
    ("Decimal(12,4)", "Integer"): {"0.5000": "1", "-0.4999": "0", "99999999.9999": "100000000", "NaN": BAD},
    ("Decimal(12,4)", "BigInteger"): {"0.5000": "1", "-1.5000": "-2", "99999999.9999": "100000000", "NaN": BAD},
    ("Decimal(6,2)", "Float"): {"0.00": "0", "12.50": "12.5", "-0.10": "-0.1", "9999.99": "9999.99", "NaN": "NaN"},
    ("Decimal(12,4)", "Float"): {"0.0001": "0.0001", "99999999.9999": "99999999.9999", "NaN": "NaN"},
    ("Decimal(6,2)", "Decimal(12,4)"): {"12.50": "12.5000", "-9999.99": "-9999.9900", "NaN": "NaN"},
    ("Decimal(12,4)", "Decimal(6,2)"): {"1.0050": "1.01", "-1.0050": "-1.01", "9999.9949": "9999.99", "9999.9950": BAD},
    ("Date", "DateTime"): {**_MIDNIGHT, "294277-01-01": BAD},
    ("Date", "DateTime(tz)"): {day: f"{moment}+00" for day, moment in _MIDNIGHT.items()},
    ("DateTime", "Date"): {"2026-03-29 23:59:59.999": "2026-03-29", "0001-01-01 00:00:00": "0001-01-01"},
    ("DateTime(tz)", "Date"): {"2026-03-29 00:30:00+00": "2026-03-29", "2026-03-29 00:30:00+02": "2026-03-28"},
    ("DateTime", "DateTime(tz)"): {k: f"{k}+00" for k in _NAIVE}, ("DateTime(tz)", "DateTime"): {f"{k}+00": k for k in _NAIVE},
}  # fmt: skip


def array(*parts: str | None) -> str:
    """Return an array as PostgreSQL reads it, its elements in quotes."""
    spelled = (
        "NULL" if part is None else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for part in parts
    )
    return "{" + ",".join(spelled) + "}"


def _elementwise(cell: Cell) -> Cell:
    """Return each value between an empty element and itself, and the empty array."""
    found: dict[str, Expected] = {"{}": "{}"}
    for text, new in cell.items():
        if isinstance(new, Differs):
            sides = [None if one is None else array(None, one, one) for one in (new.postgres, new.mongodb)]
            found[array(None, text, text)] = Differs(*sides)
        else:
            found[array(None, text, text)] = None if new is None else array(None, new, new)
    return found


CELLS.update({(f"Array({was})", f"Array({to})"): _elementwise(cell) for (was, to), cell in CELLS.items()})
# The text of a value, and how it stands in JSON.
_IN_JSON: dict[str, dict[str, str | None]] = {
    "Text": {"": '""', "ü\"": '"ü\\""'}, "String(4)": {"abcd": '"abcd"'}, "String(40)": {"größe": '"größe"'},
    "Integer": {"-2147483648": "-2147483648"}, "BigInteger": {"9223372036854775807": "9223372036854775807"},
    "Float": {"0.1": "0.1", "-2.5": "-2.5", "NaN": BAD, "-Infinity": BAD},
    "Decimal(6,2)": {"12.50": "12.50", "NaN": BAD}, "Decimal(12,4)": {"0.0001": "0.0001", "NaN": BAD},
    "Boolean": {"true": "true", "false": "false"}, "Date": {"2024-02-29": '"2024-02-29"', "infinity": BAD},
    "DateTime": {"2026-03-29 01:30:00.5": '"2026-03-29T01:30:00.500000"', "-infinity": BAD},
    "DateTime(tz)": {"2026-03-29 01:30:00+00": '"2026-03-29T01:30:00Z"'}, "Json": {'{"a": [1]}': '{"a": [1]}'},
    "Uuid": {_U: f'"{_U}"'},
}  # fmt: skip
_NO_ELEMENT: dict[str, tuple[str, ...]] = {
    "Text": ("1", "true", "{}", "[]"), "String(4)": ('"abcde"', "1"), "String(40)": ("null, [1]",),
    "Integer": ('"1"', "1.5", "2147483648", "true", "{}"), "BigInteger": ("9223372036854775808.5", "false"),
    "Float": ('"1"', "9007199254740993", "true", "[1.5]"), "Decimal(6,2)": ("1.005", "10000", '"1"', "true"),
    "Decimal(12,4)": ("0.00001",), "Boolean": ("1", '"true"', "0"), "Date": ('"2024-02-30"', "20240229", '""'),
    "DateTime": ('"2026-03-29T01:30:00Z"', "1"), "DateTime(tz)": ('"yesterday"',), "Json": (), "Uuid": ('"no"', "1"),
}  # fmt: skip
_SINGLE: dict[str, tuple[str, ...]] = {
    "Text": ("", "a,b", "NULL", '"\\'), "String(4)": ("abcd",), "String(40)": ("{}",), "Integer": ("-2147483648",),
    "BigInteger": ("9223372036854775807",), "Float": ("0.1", "5e-324"), "Decimal(6,2)": ("12.50",),
    "Decimal(12,4)": ("0.0001",), "Boolean": ("true", "false"), "Date": ("2024-02-29",),
    "DateTime": ("2026-03-29 01:30:00.5",), "DateTime(tz)": ("2026-03-29 01:30:00+00",), "Uuid": (_U,), "Binary": ("\\x00ff",),
}  # fmt: skip
for _of, _values in _IN_JSON.items():
    _good = {text: new for text, new in _values.items() if new is not None}
    CELLS[f"Array({_of})", "Json"] = {
        "{}": "[]",
        **{array(text, None): None if new is None else f"[{new}, null]" for text, new in _values.items()},
    }
    CELLS["Json", f"Array({_of})"] = {
        "[]": "{}", '"a"': BAD, "5": BAD, "{}": BAD, **{f"[{new}, null]": array(text, None) for text, new in _good.items()},
        **{f"[{part}]": BAD for part in _NO_ELEMENT[_of]},
    }  # fmt: skip
for _of, _texts in _SINGLE.items():
    CELLS[_of, f"Array({_of})"] = {text: array(text) for text in _texts}
    CELLS[f"Array({_of})", _of] = {
        "{}": BAD, "{NULL}": BAD, **{array(text): text for text in _texts}, **{array(text, text): BAD for text in _texts},
    }  # fmt: skip
TYPES = (*SCALARS, *(f"Array({of})" for of in SCALARS))
DEFINED = frozenset(
    (was, to) for was in TYPES for to in TYPES if was != to and fidelity(parse(was), parse(to)) is not None
)
