"""The index document of a new index: what the neutral words for its shape become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from skill_server.backends.mongo.documents.values import TYPE_NAMES, to_bson, type_here
from skill_server.errors import Refused
from skill_server.model.action import BuildIndex
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.snapshot import Condition, Entity

OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
# Compares letters and accents, and no upper and lower case (MongoDB manual, "Collation").
IGNORING_CASE = {"locale": "en", "strength": 2}
# The rows of a partial index of PostgreSQL hold no null, and `$exists` admits it.
NOT_NULL = {"$type": sorted(set(TYPE_NAMES.values()) - {"null", "undefined", "dbPointer", "symbol"})}


def definition(action: BuildIndex, entity: Entity, names: NameMap) -> dict[str, Any]:
    """Return the document of the index.

    Raises:
        Refused: `index-not-possible`; MongoDB has no such index.
        Invalid: a value of a condition is none of its field's type (`value-not-of-type`).
    """
    if any(key.field is None for key in action.keys) or not action.keys:
        _refuse(
            f"the index {action.name} names an expression, which MongoDB cannot index",
            "Name fields, or declare the migration not applicable to MongoDB.",
        )
    fields = [
        (names.native_field(action.entity, key.field or "", BackendKind.MONGODB), key.descending)
        for key in action.keys
    ]
    made: dict[str, Any] = {
        "key": {name: -1 if descending else 1 for name, descending in fields},
        "name": action.name,
    }
    if action.method == "text":
        _require_text(action, entity)
        made["key"] = {name: "text" for name, _ in fields}
        # As PostgreSQL's configuration `simple`: every word counts as it is written.
        made["default_language"] = "none"
    if action.unique:
        made["unique"] = True
    if action.where:
        made["partialFilterExpression"] = condition(action, entity, names)
    if action.ignore_case:
        made["collation"] = dict(IGNORING_CASE)
    if action.expire_after_s is not None:
        if len(fields) > 1 or fields[0][0] == "_id":
            _refuse(
                f"the index {action.name} deletes by time, which MongoDB does by one field other than _id",
                "Name the one field that holds the moment.",
            )
        made["expireAfterSeconds"] = action.expire_after_s
    return made


def note(action: BuildIndex) -> str:
    """Return what the summary of an index says where it is not all that the author asked for, or more."""
    if action.expression is not None:
        return " (MongoDB indexes no expressions, so it is a plain one on the fields)"
    if action.expire_after_s is not None:
        return f", by which MongoDB deletes documents {action.expire_after_s} seconds after the moment in it"
    return ""


def are_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether MongoDB takes two index documents for the same index under two names."""
    return _identity(one) == _identity(other)


def _identity(document: Mapping[str, Any]) -> list[Any]:
    # The server fills a collation up with all that it did not say.
    collation: Mapping[str, Any] = document.get("collation") or {}
    return [
        list(document["key"].items()),
        [collation.get(word) for word in IGNORING_CASE],
        document.get("partialFilterExpression") or {},
    ]


def condition(action: BuildIndex, entity: Entity, names: NameMap) -> dict[str, Any]:
    """Return the filter of a partial index, in the few operators that one may hold (manual, "Partial Indexes")."""
    parts: list[tuple[str, str, Any]] = []
    for each in action.where:
        field = names.native_field(action.entity, each.field, BackendKind.MONGODB)
        if each.operator == "present":
            # A unique index takes two nulls for equal. For the others `$exists` lets more queries use the index.
            word, value = next(iter((NOT_NULL if action.unique else {"$exists": True}).items()))
        else:
            word, value = OPERATORS[each.operator], _value(action, each, entity)
        parts.append((field, word, value))
    if len({(field, word) for field, word, _ in parts}) < len(parts):
        return {"$and": [{field: {word: value}} for field, word, value in parts]}
    joined: dict[str, Any] = {}
    for field, word, value in parts:
        joined.setdefault(field, {})[word] = value
    return joined


def _value(action: BuildIndex, each: Condition, entity: Entity) -> Any:
    from bson import Decimal128

    if each.value is None:
        _refuse(
            f"the index {action.name} compares {each.field} with nothing",
            "Write the value, or ask for the field to be present.",
        )
    field = entity.field(each.field)
    if (known := type_here(action.types.get(each.field), field)) is not None:
        return to_bson(each.value, known)
    number = isinstance(each.value, int | float) and not isinstance(each.value, bool)
    if number and field is not None and "decimal" in field.native_type.split("|"):
        return Decimal128(str(each.value))
    return each.value


def _require_text(action: BuildIndex, entity: Entity) -> None:
    there = next((index.name for index in entity.indexes if '"weights"' in index.definition), None)
    if there is not None:
        _refuse(
            f"{action.entity} has the text index {there}, and a collection has only one",
            f"Drop {there} first, or add the fields to it.",
        )
    if action.unique or action.ignore_case or action.expire_after_s is not None:
        _refuse(
            f"the index {action.name} searches words, so it can neither be unique nor compare nor delete",
            "Ask for the text index alone.",
        )


def _refuse(fact: str, help: str) -> NoReturn:
    raise Refused("index-not-possible", fact, help=help)
