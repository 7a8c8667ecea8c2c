"""Which text is a value of a logical type: said once, so that both databases take and refuse the same.

The patterns mean the same as a PostgreSQL regular expression and as one of Python, where they have to match the whole
text. White space around numbers and Boolean words is no part of the value.
"""

# Longer numbers are refused before anything reads them; both databases hold far fewer digits.
LONGEST_NUMBER = 1000
# MongoDB takes documents of 100 levels at most (manual, "MongoDB Limits"), and this is room for what is around.
DEEPEST_JSON = 90
SPACES = " \t\n\r\f\v"
TRUE, FALSE = ("t", "true", "y", "yes", "on", "1"), ("f", "false", "n", "no", "off", "0")
# What a double spells that is no number; only the spelling that PostgreSQL writes is read back.
NOT_A_NUMBER, INFINITIES = "NaN", ("Infinity", "-Infinity")

WHOLE = "[+-]?[0-9]{1,30}"
NUMBER = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?"
DAY = "(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = "[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?"
OFFSET = "(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?"
UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# Numbers inside JSON, short enough for `numeric` to hold.
JSON_NUMBER = "-?(0|[1-9][0-9]{0,254})([.][0-9]{1,255})?([eE][+-]?[0-9]{1,3})?"


def moment(*, timezone: bool) -> str:
    """Return the pattern of a moment; a day alone is its midnight."""
    return f"{DAY}({TIME}{OFFSET if timezone else ''})?"
