"""Rules, which the validator holds, and references, which MongoDB does not watch over."""

from __future__ import annotations

import json

from skill_server.backends.mongo.documents import validator
from skill_server.backends.mongo.documents.values import type_here
from skill_server.backends.mongo.operations.operations import EditRules, FindOrphans
from skill_server.backends.mongo.render import rules
from skill_server.backends.mongo.render.null import admits_null
from skill_server.backends.mongo.render.rendering import (
    Subject,
    piece,
    require_collection,
    require_subject,
    swapped,
    way,
)
from skill_server.backends.mongo.render.wording import probe, statement
from skill_server.errors import Refused
from skill_server.model.action import (
    AddConstraint,
    CheckSpec,
    ReferenceSpec,
    RemoveConstraint,
    RetireConstraint,
)
from skill_server.model.base import JsonObject
from skill_server.model.hazard import Hazard
from skill_server.model.ids import BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece
from skill_server.model.snapshot import Snapshot


def add_constraint(
    action: AddConstraint, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Write a rule into the validator, or look for orphans of a reference."""
    match action.spec:
        case ReferenceSpec():
            return _reference(action.entity, action.spec, snapshot, names)
        case CheckSpec():
            subject = require_subject(
                snapshot, names, action.entity, action.spec.field, migration, adds_rules=True
            )
            return (_ruling(subject, _new_words(subject, action.spec)),)


def remove_constraint(
    action: RemoveConstraint, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Undo `add_constraint` as a change of its own."""
    match action.spec:
        case ReferenceSpec():
            return swapped(_reference(action.entity, action.spec, snapshot, names))
        case CheckSpec():
            subject = require_subject(snapshot, names, action.entity, action.spec.field, migration)
            return swapped((_removed(subject, action.spec),))


def retire_constraint(
    action: RetireConstraint, snapshot: Snapshot, names: NameMap, migration: str
) -> tuple[Piece, ...]:
    """Take the rules for a field out of the validator; its type stays."""
    if action.of == "reference":
        require_collection(snapshot, names, action.entity)
        idle = way("nothing: MongoDB keeps no references, so there is none to drop")
        return (piece(Phase.EXPAND, idle, idle),)
    subject = require_subject(snapshot, names, action.entity, action.field, migration)
    schema = subject.schema or {}
    words = [word for word in rules.RULE_WORDS if word in schema]
    if words != ["maxLength"]:
        # Beside other rules the greatest length is the one of the type, as in String(40).
        words = [word for word in words if word != "maxLength"]
    if not words:
        idle = way(f"nothing: the validator has no rule for {subject.field} of {subject.collection}")
        return (piece(Phase.EXPAND, idle, idle),)
    said: JsonObject = {word: schema[word] for word in words}
    drop = EditRules(collection=subject.collection, field=subject.field, remove=tuple(words))
    again = EditRules(collection=subject.collection, field=subject.field, put_json=json.dumps(said))
    named = f"{', '.join(words)} of {subject.field} in {subject.collection}"
    question = rules.breaking(
        "every-document-follows",
        "Correct the values of these documents.",
        subject.collection,
        subject.field,
        said,
    )
    down = way(f"demand {named} again", statement(again))
    return (
        piece(
            Phase.EXPAND,
            way(f"demand {named} no more", statement(drop), hazards=(Hazard.WEAKENS_CONSTRAINT,)),
            down.model_copy(update={"before": (question,), "after": (question,)}),
        ),
    )


def _words(subject: Subject, spec: CheckSpec, *, nullable: bool) -> JsonObject:
    known = next((field for field in subject.entity.fields if field.native_name == subject.field), None)
    return rules.words_of(
        spec.rule,
        type_here(spec.type, known),
        decimal=known is not None and "decimal" in known.native_type.split("|"),
        nullable=nullable,
    )


def _new_words(subject: Subject, spec: CheckSpec) -> JsonObject:
    """Return the words of a rule that the validator does not say yet."""
    schema = subject.schema or {}
    # A field that no rule keeps from being empty may be so; then null is on the list of its values too.
    without_list = {word: value for word, value in schema.items() if word != "enum"}
    words = _words(subject, spec, nullable=admits_null(without_list))
    longest = (
        schema.get("maxLength", {}).get("$numberInt") if isinstance(schema.get("maxLength"), dict) else None
    )
    if spec.rule.max_length is not None and longest is not None and int(longest) <= spec.rule.max_length:
        words.pop("maxLength")
    taken = [word for word in words if word in schema and schema[word] != words[word]]
    if taken:
        raise Refused(
            "constraint-exists",
            f"the validator of {subject.entity.name} already says {', '.join(taken)} of {subject.field}",
            help="Drop the rule that is there first, or make one rule of both.",
        )
    return {word: value for word, value in words.items() if word not in schema}


def _ruling(subject: Subject, words: JsonObject, *, level: str = "moderate", action: str = "error") -> Piece:
    named = f"{subject.field} of {subject.collection}"
    if not words:
        idle = way(f"nothing: the validator says this of {named} already")
        return piece(Phase.CONTRACT, idle, idle)
    alone = validator.SCHEMA not in (subject.entity.validator or {})
    demand = EditRules(
        collection=subject.collection,
        field=subject.field,
        put_json=json.dumps(words),
        alone=alone,
        level=level,
        action=action,
    )
    release = EditRules(
        collection=subject.collection,
        field=subject.field,
        remove=tuple(words),
        forget=subject.schema is None,
        alone=alone,
    )
    question = rules.breaking(
        "every-document-follows",
        "Correct the values of these documents.",
        subject.collection,
        subject.field,
        words,
    )
    up = way(f"demand {', '.join(words)} of {named}", statement(demand), hazards=(Hazard.SCANS,))
    down = way(
        f"demand {', '.join(words)} of {named} no more",
        statement(release),
        hazards=(Hazard.WEAKENS_CONSTRAINT,),
    )
    return piece(Phase.CONTRACT, up.model_copy(update={"before": (question,), "after": (question,)}), down)


def _removed(subject: Subject, spec: CheckSpec) -> Piece:
    """Return the piece that adds what the validator says now to one that does not say it."""
    schema = subject.schema or {}
    wanted = [_words(subject, spec, nullable=nullable) for nullable in (True, False)]
    words = {
        word: value
        for word, value in schema.items()
        if any(word in each and each[word] == value for each in wanted)
    }
    if not words:
        raise Refused(
            "constraint-missing",
            f"the validator of {subject.entity.name} has no such rule for {subject.field}",
            help="Correct the rule.",
            next_tool="inspect_schema",
        )
    closed = validator.schema_of(subject.entity.validator).get("additionalProperties", True) is not True
    without = validator.edited(
        subject.entity.validator, subject.field, put={}, remove=tuple(words), forget=not closed, alone=True
    )
    before = subject.entity.model_copy(update={"validator": without or None})
    options = subject.entity.options
    return _ruling(
        Subject(before, subject.collection, subject.field, subject.migration),
        words,
        level=str(options.get("validationLevel", "strict")),
        action=str(options.get("validationAction", "error")),
    )


def _reference(entity: str, spec: ReferenceSpec, snapshot: Snapshot, names: NameMap) -> tuple[Piece, ...]:
    _, collection = require_collection(snapshot, names, entity)
    _, other = require_collection(snapshot, names, spec.references)
    field = names.native_field(entity, spec.field, BackendKind.MONGODB)
    theirs = names.native_field(spec.references, spec.references_field, BackendKind.MONGODB)
    question = probe(
        "no-orphans",
        f"documents have a value in {field} that no document of {other} has in {theirs}",
        f"Correct {field} in these documents, or make the documents of {other} that they name.",
        FindOrphans(collection=collection, field=field, references=other, references_field=theirs),
    )
    said = (
        f"MongoDB does not watch over references, so the application must keep {field} of {collection} right"
    )
    up = way(f"nothing but looking for orphans: {said}", hazards=(Hazard.SCANS,))
    down = way("nothing: MongoDB keeps no references, so there is none to drop")
    return (piece(Phase.VALIDATE, up.model_copy(update={"before": (question,), "after": (question,)}), down),)
