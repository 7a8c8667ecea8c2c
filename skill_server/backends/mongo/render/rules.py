"""Rules for the values of one field, in the words of `$jsonSchema`."""

from __future__ import annotations

import json
import re
from typing import Any

from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.documents.values import INT64, to_bson
from skill_server.backends.mongo.operations.operations import FindOffenders
from skill_server.backends.mongo.render.wording import probe
from skill_server.model.base import JsonObject
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.plan import Probe
from skill_server.model.rule import Rule

# The words of a field's description that are rules and not its type.
RULE_WORDS = (
    *("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    *("enum", "minLength", "maxLength", "pattern"),
)
NOT_NULL: JsonObject = {"not": {"bsonType": "null"}}
_PATTERN_PART = re.compile(r"\\.|\[\^?[^\]]*\]|[.$]|[^\\\[.$]+")


def words_of(rule: Rule, known: LogicalType | None, *, decimal: bool, nullable: bool) -> JsonObject:
    """Return the words that say a rule, in Extended JSON; an empty field follows it where `nullable`.

    Raises:
        Invalid: a value of the list is none of the field's type (`value-not-of-type`).
    """
    said: dict[str, Any] = {}
    for word, bound in (("minimum", rule.minimum), ("maximum", rule.maximum)):
        if bound is not None:
            said[word] = _number(bound, decimal=decimal)
    if rule.one_of:
        listed = [_plain(value, known, decimal=decimal) for value in rule.one_of]
        said["enum"] = [*listed, None] if nullable else listed
    lengths = {"minLength": rule.min_length, "maxLength": rule.max_length}
    said |= {word: length for word, length in lengths.items() if length is not None}
    if rule.pattern is not None:
        said["pattern"] = pattern(rule.pattern)
    return ejson.plain(said)


def pattern(text: str) -> str:
    r"""Return a pattern that means to PCRE2 what it means to PostgreSQL.

    There `.` matches a line break and `$` only the very end (PostgreSQL manual, section 9.7.3); here neither does.
    """
    parts = _PATTERN_PART.findall(text)
    if "." in parts:
        parts.insert(0, "(?s)")
    return "".join(r"(?:$(?!\n))" if part == "$" else part for part in parts)


def _number(value: int | float, *, decimal: bool) -> Any:
    from bson import Decimal128

    # The decimal 0.1 is smaller than the double 0.1, so the bound of a decimal field is a decimal.
    if (decimal and isinstance(value, float)) or (isinstance(value, int) and value not in INT64):
        return Decimal128(str(value))
    return value


def _plain(value: Any, known: LogicalType | None, *, decimal: bool) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and (known is None or (decimal and known.kind is not Kind.DECIMAL)):
        return _number(value, decimal=decimal)
    return value if known is None else to_bson(value, known)


def breaking(
    name: str, help: str, collection: str, field: str, said: JsonObject, *, required: bool = False
) -> Probe:
    """Return the question for documents that break what is said of a field, or miss it where it is required."""
    schema: JsonObject = said
    for part in reversed(field.split(".")):
        schema = {**({"required": [part]} if required else {}), "properties": {part: schema}}
    told = [f"miss {field}"] * required + [f"break the rule for {field}"] * bool(said)
    matching = json.dumps({"$nor": [{"$jsonSchema": schema}]})
    return probe(
        name,
        f"documents {' or '.join(told)}",
        help,
        FindOffenders(collection=collection, filter_json=matching),
    )
