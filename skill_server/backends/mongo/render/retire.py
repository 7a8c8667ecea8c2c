"""Retiring a field, and deleting for good what was kept of it."""

from __future__ import annotations

from skill_server.backends import flows
from skill_server.backends.mongo.documents import ejson, validator
from skill_server.backends.mongo.documents.values import to_bson, type_here
from skill_server.backends.mongo.operations.operations import (
    DropKept,
    FindOffenders,
    FindUnkept,
    RestoreValues,
    RetireValues,
)
from skill_server.backends.mongo.render.index import created, dropped, duplicates, naming
from skill_server.backends.mongo.render.rendering import Subject, piece, require_subject, side_collection, way
from skill_server.backends.mongo.render.wording import probe, statement
from skill_server.errors import Refused
from skill_server.model.action import PurgeField, PurgeType, PurgeValues, RetireField
from skill_server.model.hazard import Hazard
from skill_server.model.ids import KEPT_NAME, BackendKind
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe, Way
from skill_server.model.snapshot import Snapshot


def retire(action: RetireField, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Drop the indexes on the field, let it be missing, move its values aside, then describe it no more."""
    subject = require_subject(snapshot, names, action.entity, action.field, migration)
    field = subject.entity.field(action.field)
    if field is None and not subject.in_validator:
        raise Refused(
            "field-missing",
            f"no document of {action.entity} has a field {subject.field}",
            help="Correct the name, or declare the migration not applicable to MongoDB.",
            next_tool="inspect_schema",
        )
    fill = None
    if action.fill is not None:
        known = type_here(action.type, field)
        fill = ejson.dumps(action.fill if known is None else to_bson(action.fill, known))
    pieces = [_opening(subject), _values(subject, fill), _closing(subject)]
    return tuple(part for part in pieces if part.up.statements)


def purge(action: PurgeField | PurgeType, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Drop the side collection, whatever became of the field since; nothing but a backup brings it back."""
    collection = names.native_entity(action.entity, BackendKind.MONGODB)
    field = names.native_field(action.entity, action.field, BackendKind.MONGODB)
    keep_bad = isinstance(action, PurgeType) and action.keep_bad
    up = way(
        f"delete what was kept of {field} of {collection}"
        + (", but what did not convert" if keep_bad else ""),
        statement(DropKept(kept=side_collection(migration, collection, field), keep_bad=keep_bad)),
        hazards=(Hazard.DELETES_DATA,),
    )
    return (piece(Phase.FINALIZE, up, None),)


def _opening(subject: Subject) -> Piece:
    indexes = naming(subject)
    collection, name = subject.collection, subject.field
    required = subject.required_place is not None
    unique = any(index.get("unique") for index in indexes)
    expiring = any("expireAfterSeconds" in index for index in indexes)
    up = way(
        f"let {name} be missing in {collection}, and drop the indexes on it",
        *([subject.describe(subject.schema, required=False)] if required else []),
        *(dropped(collection, index["name"]) for index in indexes),
        hazards=(Hazard.WEAKENS_CONSTRAINT,) if required or unique else (),
    )
    down = way(
        f"build the indexes on {name} again, and require what was required",
        *(created(collection, index) for index in indexes),
        *([subject.described_as_before()] if required else []),
        hazards=(Hazard.SCANS, *((Hazard.DELETES_DATA,) if expiring else ())) if indexes else (),
    )
    return piece(Phase.EXPAND, up, down)


def _values(subject: Subject, fill: str | None) -> Piece:
    collection, name, kept = subject.collection, subject.field, subject.kept
    left = FindOffenders(collection=collection, filter_json=ejson.dumps({name: {"$exists": True}}))
    up = Way(
        summary=f"move the values of {name} of {collection} aside",
        statements=(statement(RetireValues(collection=collection, field=name, kept=kept)),),
        after=(
            probe(
                "no-document-has-it",
                f"documents still have {name}",
                "Stop the writers that still use the field, then run the step again.",
                left,
            ),
        ),
        hazards=(Hazard.RETIRES_DATA, Hazard.NOT_ATOMIC, Hazard.BREAKS_OLD_CODE),
    )
    down = Way(
        summary=f"put the values of {name} of {collection} back",
        statements=(
            statement(RestoreValues(collection=collection, field=name, kept=kept, fill_json=fill)),
            statement(DropKept(kept=kept)),
        ),
        before=_in_the_way(subject, fill),
        hazards=(Hazard.NOT_ATOMIC,),
    )
    return piece(Phase.BACKFILL, up, down)


def _in_the_way(subject: Subject, fill: str | None) -> tuple[Probe, ...]:
    """Return the questions for documents that `required` or a unique index will refuse when the field is back."""
    returning = (subject.field, subject.kept, fill)
    unique = tuple(
        duplicates(subject.collection, index, returning=returning)
        for index in naming(subject)
        if index.get("unique")
    )
    if fill is not None or subject.required_place is None:
        return unique
    question = FindUnkept(collection=subject.collection, field=subject.field, kept=subject.kept)
    unfilled = probe(
        "no-value-for-required-field",
        f"documents were written without {subject.field}, which will be required again",
        "Give these documents a value, or plan the change again with a fill.",
        question,
    )
    return (unfilled, *unique)


def _closing(subject: Subject) -> Piece:
    forget = [subject.describe(None, required=False)] if subject.in_validator else []
    open_again = [subject.describe(subject.schema, required=False)] if subject.in_validator else []
    closed = validator.schema_of(subject.entity.validator).get("additionalProperties", True) is not True
    up = way(
        f"describe {subject.field} no more" + (", so that no document may have it" if closed else ""),
        *forget,
        hazards=(Hazard.BREAKS_OLD_CODE,) if closed else (),
    )
    return piece(Phase.CONTRACT, up, way(f"admit {subject.field} again", *open_again))


def purge_values(action: PurgeValues, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Drop the store that an update or a copy keeps; nothing but a backup brings it back."""
    collection = names.native_entity(action.entity, BackendKind.MONGODB)
    kept = f"{KEPT_NAME}.{flows.store(migration, action.entity, action.fields)}"
    what = f"the old values of {', '.join(action.fields)}" if action.fields else "the list of made records"
    up = way(
        f"delete {what} that were kept of {collection}",
        statement(DropKept(kept=kept)),
        hazards=(Hazard.DELETES_DATA,),
    )
    return (piece(Phase.FINALIZE, up, None),)
