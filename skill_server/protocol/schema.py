"""The schemas as they are published: what pydantic derives, without the words that say nothing.

Every client hands the whole list to its model, so each word costs.
"""

from functools import cache
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter

_ALL_JSON_TYPES = 7
# Every result repeats which tool was called on which target, which its caller knows.
_ECHOED = frozenset({"tool", "target"})
# What only the server checks: a call that breaks it is refused with the reason, so it need not be in every listing.
_CHECKED = frozenset({"pattern", "minLength", "maxLength"})


def lean(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without words that say nothing to a caller, and with the tags of unions required.

    Pydantic gives a tag a default, but without its `kind` a change cannot be told from others.
    """
    kept = _without_noise(schema)
    properties = cast("dict[str, Any]", kept.get("properties", {}))
    tags = [name for name, part in properties.items() if "const" in part]
    for name in tags:
        properties[name].pop("default", None)
    if tags:
        kept["required"] = [*tags, *(name for name in kept.get("required", []) if name not in tags)]
    return kept


def _without_noise(schema: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        match key, value:
            case ("title", str()) | ("discriminator", dict()) | ("default", None):
                continue
            case _, int() | str() if key in _CHECKED:
                continue
            case "anyOf", [dict(), {"type": "null"}] if isinstance(value[0].get("type"), str):
                told = lean(cast("dict[str, Any]", value[0]))
                kept |= {**told, "type": [told["type"], "null"]}
            case "anyOf", list() if len(cast("list[Any]", value)) == _ALL_JSON_TYPES:
                kept["description"] = "any JSON value"
            case "properties" | "$defs", dict():
                named = cast("dict[str, dict[str, Any]]", value)
                kept[key] = {name: lean(part) for name, part in named.items()}
            case _, dict():
                kept[key] = lean(cast("dict[str, Any]", value))
            case _, list():
                parts = cast("list[Any]", value)
                kept[key] = [lean(cast("dict[str, Any]", p)) if isinstance(p, dict) else p for p in parts]
            case _:
                kept[key] = value
    return kept


def of_result(model: type[BaseModel]) -> dict[str, Any]:
    """Return a result's schema in short: whatever may be absent is told by its type, not by a default.

    Field by field, because results share a dozen types, and deriving each model as a whole takes far longer.
    """
    properties = {
        name: _of_type(field.annotation) for name, field in model.model_fields.items() if name not in _ECHOED
    }
    return {"type": "object", "properties": properties, "required": ["ok"]}


@cache
def _of_type(annotation: Any) -> dict[str, Any]:
    return _short(TypeAdapter(annotation).json_schema())


def _short(part: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in part.items() if key != "pattern"}
    if kept.get("additionalProperties") is True:
        del kept["additionalProperties"]
    if kept.get("items") == {"type": "object", "additionalProperties": True}:
        del kept["items"]
    for inner in ("items", "additionalProperties"):
        if inner in kept:
            kept[inner] = _short(kept[inner])
    choices = cast("list[dict[str, Any]]", kept.pop("anyOf", []))
    if choices:
        kept["type"] = [choice["type"] for choice in choices]
    return kept
