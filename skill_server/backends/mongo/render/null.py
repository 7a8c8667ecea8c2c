"""Defaults, which MongoDB does not keep, and whether a field may be empty."""

from __future__ import annotations

import json

from skill_server.backends.mongo.documents import validator
from skill_server.backends.mongo.operations.operations import EditRules
from skill_server.backends.mongo.render import rules
from skill_server.backends.mongo.render.rendering import (
    Subject,
    piece,
    require_collection,
    require_parents_required,
    require_subject,
    way,
)
from skill_server.backends.mongo.render.wording import statement
from skill_server.errors import Refused
from skill_server.model.action import SetDefault, SetNullable
from skill_server.model.base import JsonObject
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe
from skill_server.model.snapshot import Snapshot


def set_default(action: SetDefault, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    """Say that MongoDB has no defaults."""
    _, collection = require_collection(snapshot, names, action.entity)
    idle = way(f"nothing: MongoDB keeps no defaults, so the application must give {collection} its values")
    return (piece(Phase.EXPAND, idle, idle),)


def set_nullable(
    action: SetNullable, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Make the validator refuse documents without a value, or admit them.

    Only what the validator says counts: that all documents of today have a value is no rule.
    """
    if names.native_field(action.entity, action.field, BackendKind.MONGODB) == "_id":
        return _nothing("every document has an _id already")
    subject = require_subject(
        snapshot, names, action.entity, action.field, migration, adds_rules=not action.nullable
    )
    return _allowing(subject) if action.nullable else _requiring(subject)


def _requiring(subject: Subject) -> tuple[Piece, ...]:
    schema, required = subject.schema or {}, subject.required_place is not None
    named, collection = f"{subject.field} of {subject.collection}", subject.collection
    if required and not admits_null(schema):
        return _nothing(f"the validator requires {named} already")
    require_parents_required(subject)
    put, was = _without_null(subject, schema)
    question = rules.breaking(
        "every-document-has-a-value",
        "Give these documents a value.",
        collection,
        subject.field,
        rules.NOT_NULL,
        required=True,
    )
    alone = validator.SCHEMA not in (subject.entity.validator or {})
    require = EditRules(
        collection=collection, field=subject.field, put_json=json.dumps(put), required=True, alone=alone
    )
    release = EditRules(
        collection=collection,
        field=subject.field,
        put_json=json.dumps(was),
        remove=tuple(word for word in put if word not in was),
        required=None if required else False,
        forget=subject.schema is None,
        alone=alone,
    )
    up = way(f"require a value in {named}", statement(require), hazards=(Hazard.SCANS,))
    down = way(f"let {named} be empty again", statement(release), hazards=(Hazard.WEAKENS_CONSTRAINT,))
    asked: dict[str, tuple[Probe, ...]] = {"before": (question,), "after": (question,)}
    return (piece(Phase.CONTRACT, up.model_copy(update=asked), down),)


def _allowing(subject: Subject) -> tuple[Piece, ...]:
    schema, required = subject.schema or {}, subject.required_place is not None
    named, collection = f"{subject.field} of {subject.collection}", subject.collection
    if not required and admits_null(schema):
        return _nothing(f"{named} may be empty already")
    put = _with_null(schema)
    no_null = ("not",) if schema.get("not") == rules.NOT_NULL["not"] else ()
    if "not" in schema and not no_null:
        raise _unclear(subject)
    allow = EditRules(
        collection=collection,
        field=subject.field,
        put_json=json.dumps(put),
        remove=no_null,
        required=False if required else None,
    )
    close = EditRules(
        collection=collection,
        field=subject.field,
        put_json=json.dumps({word: schema[word] for word in (*put, *no_null)}),
        required=True if required else None,
        required_place=subject.required_place,
    )
    closing = rules.breaking(
        "every-document-has-a-value",
        "Give these documents a value.",
        collection,
        subject.field,
        schema,
        required=required,
    )
    up = way(f"let {named} be empty", statement(allow), hazards=(Hazard.WEAKENS_CONSTRAINT,))
    down = way(f"require a value in {named} again", statement(close))
    asked: dict[str, tuple[Probe, ...]] = {"before": (closing,), "after": (closing,)}
    return (piece(Phase.EXPAND, up, down.model_copy(update=asked)),)


def admits_null(schema: JsonObject) -> bool:
    """Tell whether a field with this description may hold null."""
    types = _types(schema)
    return (
        (not types or "null" in types)
        and schema.get("not") != rules.NOT_NULL["not"]
        and ("enum" not in schema or None in schema["enum"])
    )


def _types(schema: JsonObject) -> list[str]:
    said = schema.get("bsonType", schema.get("type", []))
    return [said] if isinstance(said, str) else list(said)


def _type_word(schema: JsonObject) -> str:
    return "type" if "type" in schema and "bsonType" not in schema else "bsonType"


def _without_null(subject: Subject, schema: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Return the words that keep null out, and the same words as they are now."""
    word, types = _type_word(schema), _types(schema)
    others = [each for each in types if each != "null"]
    if others:
        put = {word: others[0] if len(others) == 1 else others} if len(others) < len(types) else {}
        return put, {each: schema[each] for each in put}
    if "not" in schema and schema["not"] != rules.NOT_NULL["not"]:
        raise _unclear(subject)
    return dict(rules.NOT_NULL), {each: schema[each] for each in rules.NOT_NULL if each in schema}


def _with_null(schema: JsonObject) -> JsonObject:
    put: JsonObject = {}
    types = _types(schema)
    if types and "null" not in types:
        put[_type_word(schema)] = [*types, "null"]
    if "enum" in schema and None not in schema["enum"]:
        put["enum"] = [*schema["enum"], None]
    return put


def _nothing(reason: str) -> tuple[Piece, ...]:
    idle = way(f"nothing: {reason}")
    return (piece(Phase.EXPAND, idle, idle),)


def _unclear(subject: Subject) -> Refused:
    return Refused(
        "validator-not-understood",
        f"the validator of {subject.entity.name} says what {subject.field} is not, which no change can be derived for",
        help="Say in the validator what the field is, then plan again.",
    )
