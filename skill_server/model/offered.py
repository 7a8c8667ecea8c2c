"""How many kinds of changes are published as one flat schema: each argument once, and a short signature for each kind.

A union of all kinds would be ten times as long, and every conversation of a user pays for the list of tools. What the
flat schema cannot say (which argument belongs to which kind) its description does, and the server checks it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

TAG = "kind"
Schema = dict[str, Any]
# Words that the server's own validation makes needless here, or that only repeat the name.
_SILENT = frozenset(
    {
        "title",
        "default",
        "discriminator",
        "maximum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "minimum",
        "minItems",
        "minLength",
        "minProperties",
        "pattern",
        "prefixItems",
        "propertyNames",
    }
)
_ALL_JSON_TYPES = 7


def signature(kind: str, model: type[BaseModel]) -> str:
    """Return `kind(required, optional?)`."""
    told = [f"{name}{'' if field.is_required() else '?'}" for name, field in _arguments(model)]
    return f"{kind}({', '.join(told)})"


def flat_schema(kinds: Mapping[str, type[BaseModel]]) -> Schema:
    """Return the closed schema of an object that is one of many kinds, told apart by `kind`."""
    found: dict[str, list[Schema]] = {}
    required = [
        {name for name, field in _arguments(model) if field.is_required()} for model in kinds.values()
    ]
    known: dict[object, Schema] = {}
    for model in kinds.values():
        for name, field in _arguments(model):
            part = known.setdefault(_spelling(field), {}) or known[_spelling(field)]
            if not part:
                part.update(_of_field(field))
            if part not in (seen := found.setdefault(name, [])):
                seen.append(part)
    told: set[str] = set()
    return {
        "type": "object",
        "description": f"`?` = optional. {'; '.join(signature(kind, model) for kind, model in kinds.items())}",
        "properties": {
            TAG: {"type": "string", "enum": list(kinds)},
            **{name: _said_once(_merged(parts), told) for name, parts in sorted(found.items(), key=_least)},
        },
        "required": [TAG, *(name for name in found if all(name in names for names in required))],
        "additionalProperties": False,
    }


def _least(item: tuple[str, list[Schema]]) -> int:
    # What one meaning has comes first, so that a description stands where it says most.
    return len(item[1])


def _said_once(schema: Schema, told: set[str]) -> Schema:
    """Return a schema without the descriptions that stood elsewhere already."""
    kept: Schema = {}
    for key, value in schema.items():
        match key, value:
            case "description", str() if value in told:
                continue
            case "description", str():
                told.add(value)
                kept[key] = value
            case "properties", dict():
                parts = cast("dict[str, Schema]", value)
                kept[key] = {name: _said_once(part, told) for name, part in parts.items()}
            case _, dict():
                kept[key] = _said_once(cast("Schema", value), told)
            case "anyOf", list():
                kept[key] = [_said_once(part, told) for part in cast("list[Schema]", value)]
            case _:
                kept[key] = value
    return kept


def _arguments(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    return [(name, field) for name, field in model.model_fields.items() if name != TAG]


def _spelling(field: FieldInfo) -> str:
    return f"{field.annotation!r} {field.metadata!r} {field.description!r}"


def _of_field(field: FieldInfo) -> Schema:
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    schema: Schema = TypeAdapter(kind).json_schema()
    definitions = cast("dict[str, Schema]", schema.pop("$defs", {}))
    if "properties" in schema:
        schema.pop("description", None)
    part = _plain(schema, definitions)
    return {**part, "description": field.description} if field.description else part


def _plain(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    if "$ref" in schema:
        target = dict(definitions[schema["$ref"].rpartition("/")[2]])
        # The docstring of a value within an argument is for those who read the code.
        target.pop("description", None)
        return _plain(target, definitions)
    kept: Schema = {}
    for key, value in schema.items():
        match key, value:
            case (("anyOf" | "oneOf"), list()):
                kept |= _chosen([_plain(part, definitions) for part in cast("list[Schema]", value)])
            case "properties", dict():
                parts = cast("dict[str, Schema]", value)
                kept[key] = {name: _plain(part, definitions) for name, part in parts.items()}
            case (("items" | "additionalProperties"), dict()):
                kept[key] = _plain(cast("Schema", value), definitions)
            # An object that may hold anything says so without a word.
            case "additionalProperties", True:
                continue
            case _ if key not in _SILENT:
                kept[key] = value
            case _:
                continue
    return kept


def _chosen(parts: list[Schema]) -> Schema:
    if len(parts) >= _ALL_JSON_TYPES:
        return {}
    return _merged([part for part in parts if part != {"type": "null"}])


def _merged(parts: list[Schema]) -> Schema:
    """Return one schema for what one of several allows; nothing at all where it may be any value."""
    if len(parts) == 1:
        return parts[0]
    if not all(parts):
        return {}
    if all(set(part) <= {"type", "description"} and isinstance(part["type"], str) for part in parts):
        told = next((part["description"] for part in parts if "description" in part), None)
        types = list(dict.fromkeys(part["type"] for part in parts))
        if "number" in types:
            types = [name for name in types if name != "integer"]
        return {"type": types if len(types) > 1 else types[0]} | ({"description": told} if told else {})
    if all(part.get("type") == "array" for part in parts):
        return {"type": "array", "items": _merged([part["items"] for part in parts])}
    return {"anyOf": [part for part in parts if not any(_covers(other, part) for other in parts)]}


def _covers(one: Schema, other: Schema) -> bool:
    """Say whether an object with more properties takes everything that another one takes."""
    more, fewer = (cast("Schema", part.get("properties", {})) for part in (one, other))
    return one is not other and fewer.items() < more.items() and one.get("required") == other.get("required")
