"""Pure edits of `$jsonSchema` validators: what one field asks of documents, and what a change makes of it.

Only the `properties` and `required` that a field lies in are edited: at the top level, or for a path as `address.city`
in what is said of the embedded document. A validator that names a field anywhere else is refused, because what it means
after the change cannot be told from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from skill_server.errors import Refused
from skill_server.model.base import JsonObject

SCHEMA = "$jsonSchema"
# Whether these words touch a field cannot be told by looking for its name.
UNCLEAR = frozenset({"patternProperties", "minProperties", "maxProperties"})
EDITED = frozenset(
    {"properties", "required", "additionalProperties", "bsonType", "type", "title", "description"}
)


def schema_of(validator: Mapping[str, Any] | None) -> JsonObject:
    """Return the `$jsonSchema` of a validator, empty where there is none."""
    schema: JsonObject = (validator or {}).get(SCHEMA) or {}
    return dict(schema)


def properties_of(validator: Mapping[str, Any] | None) -> JsonObject:
    """Return what the validator says of each field it describes."""
    properties: JsonObject = schema_of(validator).get("properties") or {}
    return dict(properties)


def required_of(validator: Mapping[str, Any] | None) -> list[str]:
    """Return the fields that every document must have."""
    return list(schema_of(validator).get("required") or ())


def types_of(said: Mapping[str, Any]) -> list[str]:
    """Return the types that a description admits."""
    types: str | list[str] = said.get("bsonType", [])
    return [types] if isinstance(types, str) else list(types)


def within(validator: Mapping[str, Any] | None, path: str) -> tuple[JsonObject, str]:
    """Return what is said of the embedded document that a field lies in, as a validator, and the field's name in it."""
    *outer, name = path.split(".")
    view: JsonObject = dict(validator or {})
    for parent in outer:
        view = {SCHEMA: properties_of(view).get(parent) or {}}
    return view, name


def said_of(validator: Mapping[str, Any] | None, path: str) -> JsonObject | None:
    """Return what the validator says of a field, or None where it does not describe it."""
    view, name = within(validator, path)
    return properties_of(view).get(name)


def names(validator: Mapping[str, Any] | None, path: str) -> bool:
    """Tell whether `properties` or `required` name the field."""
    view, name = within(validator, path)
    return name in properties_of(view) or name in required_of(view)


def describes_fields(validator: Mapping[str, Any] | None) -> bool:
    """Tell whether a new field belongs into the validator: it lists properties, or admits no others."""
    schema = schema_of(validator)
    return "properties" in schema or schema.get("additionalProperties", True) is not True


def require_editable(validator: Mapping[str, Any] | None, field: str, entity: str) -> None:
    """Make sure that the field is named in `properties` and `required` alone.

    Raises:
        Refused: `validator-not-understood`, with the place that names the field.
    """
    view, name = within(validator, field)
    place = next(iter((*_elsewhere(validator, field), *_elsewhere(view, name))), None)
    outer, _, _ = field.rpartition(".")
    if outer:
        require_editable(validator, outer, entity)
    if place is not None:
        raise Refused(
            "validator-not-understood",
            f"the validator of {entity} speaks of {field} in {place}, which no change can be derived for",
            help="Rewrite the validator so that only properties and required name the field, then plan again.",
        )


def _elsewhere(validator: Mapping[str, Any] | None, field: str) -> Iterator[str]:
    for key, value in (validator or {}).items():
        if key != SCHEMA and (_is_path(key, field) or mentions(value, field)):
            yield key
    for word, inside in schema_of(validator).items():
        if word in UNCLEAR or (word not in EDITED and mentions(inside, field)):
            yield f"{SCHEMA}.{word}"


def mentions(value: Any, field: str) -> bool:
    """Tell whether a part of a query names a field or a path below it, as a key or as text."""
    if isinstance(value, Mapping):
        inside = cast("Mapping[str, Any]", value)
        return any(_is_path(key, field) or mentions(item, field) for key, item in inside.items())
    if isinstance(value, list | tuple):
        return any(mentions(item, field) for item in cast("list[Any]", value))
    return isinstance(value, str) and _is_path(value, field)


def _is_path(text: str, field: str) -> bool:
    path = text.lstrip("$").removeprefix("CURRENT.").removeprefix("ROOT.")
    return path == field or path.startswith(f"{field}.")


def described(
    validator: Mapping[str, Any] | None,
    field: str,
    schema: JsonObject | None,
    *,
    place: int | None = None,
    required: bool = False,
    required_place: int | None = None,
) -> JsonObject:
    """Return the validator that says exactly this of a field; doing it twice gives the same.

    A place counts from 0; None leaves the field where it is, or puts it at the end.
    """
    parent, _, rest = field.partition(".")
    if rest:
        said: JsonObject | None = properties_of(validator).get(parent)
        if said is None and schema is None:
            return dict(validator or {})
        inner = described(
            {SCHEMA: said}, rest, schema, place=place, required=required, required_place=required_place
        )
        return described(validator, parent, inner[SCHEMA], required=parent in required_of(validator))
    listed = list(properties_of(validator).items())
    was = next((index for index, (name, _) in enumerate(listed) if name == field), None)
    listed = [item for item in listed if item[0] != field]
    if schema is not None:
        listed.insert(_where(place, was, len(listed)), (field, schema))
    words = required_of(validator)
    stood = words.index(field) if field in words else None
    words = [word for word in words if word != field]
    if required:
        words.insert(_where(required_place, stood, len(words)), field)
    return _put(validator, dict(listed), words)


def edited(
    validator: Mapping[str, Any] | None,
    field: str,
    *,
    put: JsonObject,
    remove: Sequence[str] = (),
    required: bool | None = None,
    required_place: int | None = None,
    forget: bool = False,
    alone: bool = False,
) -> JsonObject:
    """Return the validator with some words about a field changed; doing it twice gives the same.

    `required` None leaves that as it is. With `forget` a description that says nothing goes, with `alone` a whole
    schema that says nothing.
    """
    parent, _, rest = field.partition(".")
    was: JsonObject | None = properties_of(validator).get(parent)
    if rest:
        inner = edited(
            {SCHEMA: was or {}},
            rest,
            put=put,
            remove=remove,
            required=required,
            required_place=required_place,
            forget=forget,
        )
        # The edit of a part is the new description of the whole.
        remove, put, required, required_place = tuple(was or {}), inner[SCHEMA], None, None
        field = parent
    said = {word: value for word, value in (was or {}).items() if word not in remove} | put
    dropped = not said and (forget or was is None)
    result = described(
        validator,
        field,
        None if dropped else said,
        required=field in required_of(validator) if required is None else required,
        required_place=required_place,
    )
    return {word: value for word, value in result.items() if not (alone and word == SCHEMA and not value)}


def _where(place: int | None, was: int | None, end: int) -> int:
    return place if place is not None else was if was is not None else end


def _put(validator: Mapping[str, Any] | None, properties: JsonObject, required: list[str]) -> JsonObject:
    """Return the validator with these two parts, left out where empty: MongoDB refuses an empty `required`."""
    schema = schema_of(validator)
    for word, part in (("properties", properties), ("required", required)):
        if part:
            schema[word] = part
        else:
            schema.pop(word, None)
    return {**(validator or {}), SCHEMA: schema}
