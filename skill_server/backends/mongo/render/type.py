"""Converting a field to another type, the old values kept."""

from __future__ import annotations

from skill_server.backends.mongo.documents import ejson
from skill_server.backends.mongo.documents.convert import Unconvertible, convert
from skill_server.backends.mongo.documents.values import BSON_TYPE, schema_of, to_bson
from skill_server.backends.mongo.operations.operations import (
    ConvertValues,
    DropKept,
    FindOffenders,
    FindUnconvertible,
    RevertValues,
)
from skill_server.backends.mongo.render.index import naming, require_no_condition
from skill_server.backends.mongo.render.rendering import Subject, piece, require_subject, way
from skill_server.backends.mongo.render.wording import probe, statement
from skill_server.errors import Refused
from skill_server.model.action import RetypeField
from skill_server.model.base import JsonObject
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME
from skill_server.model.logical import BadValues, Fidelity, Kind, LogicalType, fidelity
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
            help="Add a field of the new type and compute it with transform_fields.",
        )
    _require_no_expiry(subject, action)
    _require_room_for_bad(subject, action)
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


def _require_room_for_bad(subject: Subject, action: RetypeField) -> None:
    """Refuse a policy whose replacement the collection could not hold."""
    if action.on_bad is BadValues.FAIL:
        return
    reason = None
    if action.on_bad is not BadValues.DEFAULT and _may_not_be_null(subject):
        reason = "its validator asks for a value"
    if any(index.get("unique") and list(index["key"]) == [subject.field] for index in naming(subject)):
        reason = "a unique index holds one document without a value at most"
    if reason is not None:
        raise Refused(
            "bad-values-need-room",
            f"{action.field} of {action.entity} cannot hold what on_bad={str(action.on_bad)!r} puts there: {reason}",
            help="Correct the values that do not convert, and use on_bad='fail'.",
        )


def _may_not_be_null(subject: Subject) -> bool:
    types = _types(subject.schema) if subject.schema else []
    return subject.required_place is not None or (bool(types) and "null" not in types)


def _bad_ways(subject: Subject, action: RetypeField) -> tuple[str | None, str | None]:
    """Return what takes the place of a value that does not convert, there and back, as Extended JSON."""
    if action.on_bad is BadValues.FAIL:
        return None, None
    if action.on_bad is not BadValues.DEFAULT or action.bad_default is None:
        return ejson.dumps(None), ejson.dumps(None)
    there = to_bson(action.bad_default, action.to)
    try:
        back = convert(there, action.to, action.was)
    except Unconvertible as reason:
        if _may_not_be_null(subject):
            raise Refused(
                "bad-values-need-room",
                f"the bad_default of {action.field} has no counterpart in {action.was}, and the field may not be empty",
                help="Choose a bad_default that both types hold.",
            ) from reason
        back = None
    return ejson.dumps(there), ejson.dumps(back)


def _values(subject: Subject, action: RetypeField, kept: Fidelity) -> Piece:
    collection, name = subject.collection, subject.field
    bad, bad_back = _bad_ways(subject, action)
    forward = ConvertValues(
        collection=collection, field=name, kept=subject.kept, was=action.was, to=action.to, bad_json=bad
    )
    back = RevertValues(
        collection=collection,
        field=name,
        kept=subject.kept,
        was=action.was,
        to=action.to,
        aside=None
        if bad_back is None
        else f"{KEPT_NAME}.{subject.kept.removeprefix(f'{KEPT_NAME}.kept_')}_bad",
        bad_json=bad_back,
    )
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
        before=(_converts(there, name, action.to),) if bad is None else (),
        notes=(_converts(there, name, action.to),) if bad is not None else (),
        after=_all_of_type(collection, name, action.to),
        hazards=(*lossy, Hazard.NOT_ATOMIC),
    )
    down = Way(
        summary=f"bring {name} of {collection} back to {action.was}",
        statements=(statement(back), statement(DropKept(kept=subject.kept))),
        before=(_converts(returning, name, action.was),) if bad is None else (),
        notes=(_converts(returning, name, action.was),) if bad is not None else (),
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
