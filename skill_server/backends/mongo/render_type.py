"""Converting a field to another type, the old values kept."""

from __future__ import annotations

from skill_server.backends.mongo import ejson
from skill_server.backends.mongo.operations import (
    ConvertValues,
    DropKept,
    FindOffenders,
    FindUnconvertible,
    RevertValues,
)
from skill_server.backends.mongo.render_index import naming, require_no_condition
from skill_server.backends.mongo.rendering import Subject, piece, require_subject, way
from skill_server.backends.mongo.values import BSON_TYPE, schema_of
from skill_server.backends.mongo.wording import probe, statement
from skill_server.errors import Refused
from skill_server.model.action import RetypeField
from skill_server.model.base import JsonObject
from skill_server.model.hazard import Hazard
from skill_server.model.logical import Fidelity, Kind, LogicalType, fidelity
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe, Way
from skill_server.model.snapshot import Snapshot

# What a validator may say of a field besides its type without speaking of the type.
_NOTES = ("title", "description")


def retype(action: RetypeField, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Admit both types, convert in place, then admit the new type alone."""
    subject = require_subject(snapshot, names, action.entity, action.field, migration)
    kept = fidelity(action.was, action.to)
    if kept is None:
        raise Refused(
            "conversion-unknown",
            f"no conversion from {action.was} to {action.to} is defined",
            help="Add a new field of the other type, and let the application fill it.",
        )
    _require_no_expiry(subject, action)
    require_no_condition(subject)
    values = _values(subject, action, kept)
    if subject.schema is None:
        return (values,)
    relaxed, final = _relaxed(subject.schema, action.to), _final(subject.schema, action.to)
    required = subject.required_place is not None
    said = f"{subject.field} of {subject.collection}"
    admit = subject.describe(relaxed, required=required)
    weaker = (Hazard.WEAKENS_CONSTRAINT,)
    expand = piece(
        Phase.EXPAND,
        way(f"admit both types in {said}", admit, hazards=weaker),
        way(f"admit {action.was} alone in {said}", subject.described_as_before()),
    )
    contract = piece(
        Phase.CONTRACT,
        way(
            f"admit {action.to} alone in {said}",
            subject.describe(final, required=required),
            hazards=(Hazard.BREAKS_OLD_CODE, *(weaker if _loses_rules(subject.schema) else ())),
        ),
        way(f"admit both types in {said}", admit, hazards=weaker),
    )
    return (expand, values, contract)


def _require_no_expiry(subject: Subject, action: RetypeField) -> None:
    for index in naming(subject):
        if "expireAfterSeconds" in index:
            # The server deletes by the dates in the field, so a converted value could be past its time.
            raise Refused(
                "ttl-index",
                f"the TTL index {index['name']} deletes documents by {action.field}, whose values would change",
                help="Drop the TTL index in a migration of its own first.",
            )


def _values(subject: Subject, action: RetypeField, kept: Fidelity) -> Piece:
    collection, name = subject.collection, subject.field
    forward = ConvertValues(
        collection=collection, field=name, kept=subject.kept, was=action.was, to=action.to
    )
    back = RevertValues(collection=collection, field=name, kept=subject.kept, was=action.was, to=action.to)
    lossy = (
        (Hazard.LOSES_PRECISION, Hazard.RETIRES_DATA) if kept is Fidelity.LOSSY else (Hazard.RETIRES_DATA,)
    )
    unique = any(index.get("unique") and list(index["key"]) == [name] for index in naming(subject))
    there = FindUnconvertible(
        collection=collection, field=name, was=action.was, to=action.to, kept=subject.kept, unique=unique
    )
    returning = FindUnconvertible(
        collection=collection, field=name, was=action.to, to=action.was, kept=subject.kept
    )
    up = Way(
        summary=f"convert {name} of {collection} from {action.was} to {action.to}",
        statements=(statement(forward),),
        before=(_converts(there, name, action.to),),
        after=_all_of_type(collection, name, action.to),
        hazards=(*lossy, Hazard.NOT_ATOMIC),
    )
    down = Way(
        summary=f"bring {name} of {collection} back to {action.was}",
        statements=(statement(back), statement(DropKept(kept=subject.kept))),
        before=(_converts(returning, name, action.was),),
        hazards=(Hazard.NOT_ATOMIC,),
    )
    return piece(Phase.BACKFILL, up, down)


def _converts(question: FindUnconvertible, name: str, to: LogicalType) -> Probe:
    unique = " or would share its value with another" if question.unique else ""
    return probe(
        "every-value-converts",
        f"documents have a value in {name} that does not convert to {to}{unique}",
        "Correct the values of these documents.",
        question,
    )


def _all_of_type(collection: str, name: str, to: LogicalType) -> tuple[Probe, ...]:
    if to.kind is Kind.JSON:
        return ()
    other = {name: {"$exists": True, "$not": {"$type": [BSON_TYPE[to.kind], "null"]}}}
    return (
        probe(
            "every-value-is-converted",
            f"documents have a value in {name} that is not of type {to}",
            "Stop the writers that still use the old type, then run the step again.",
            FindOffenders(collection=collection, filter_json=ejson.dumps(other)),
        ),
    )


def _types(schema: JsonObject) -> list[str]:
    said = schema.get("bsonType", schema.get("type", []))
    return [said] if isinstance(said, str) else list(said)


def _final(schema: JsonObject, to: LogicalType) -> JsonObject:
    """Return what the validator says of the new type; rules about the old type's values do not carry over."""
    nullable = "null" in _types(schema) or not _types(schema)
    notes = {word: schema[word] for word in _NOTES if word in schema}
    return {**schema_of(to, nullable=nullable), **notes}


def _relaxed(schema: JsonObject, to: LogicalType) -> JsonObject:
    was, new = _types(schema), _types(_final(schema, to))
    # Without a word about types the old schema admits all of them.
    return {"bsonType": list(dict.fromkeys([*was, *new]))} if was else {}


def _loses_rules(schema: JsonObject) -> bool:
    return bool(set(schema) - {"bsonType", "type", "maxLength", *_NOTES})
