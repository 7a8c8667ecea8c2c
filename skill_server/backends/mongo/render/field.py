"""Adding a field, and taking it away again."""

from __future__ import annotations

from skill_server.backends.mongo.documents import ejson, paths, validator, values
from skill_server.backends.mongo.operations.operations import (
    DropKept,
    FindOffenders,
    RestoreValues,
    RetireValues,
)
from skill_server.backends.mongo.render.rendering import (
    Subject,
    piece,
    require_parents_required,
    require_subject,
    side_collection,
    swapped,
    way,
)
from skill_server.backends.mongo.render.wording import probe, statement
from skill_server.errors import Refused
from skill_server.model.action import AddField, RemoveField
from skill_server.model.hazard import Hazard
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Probe, Way
from skill_server.model.snapshot import Snapshot


def add(action: AddField, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Admit the field, give every document its default, then require it where it may not be missing."""
    subject = require_subject(snapshot, names, action.entity, action.field, migration)
    if subject.entity.field(action.field) is not None or subject.in_validator:
        raise field_exists(action.entity, subject.field)
    return _adding(action, subject)


def remove(action: RemoveField, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Undo `add` as a change of its own."""
    subject = require_subject(snapshot, names, action.entity, action.field, migration)
    without = (
        validator.described(subject.entity.validator, subject.field, None) if subject.in_validator else None
    )
    entity = subject.entity.model_copy(update={"validator": without or subject.entity.validator})
    before = Subject(entity, subject.collection, subject.field, migration)
    return swapped(_adding(action.inverse(), before))


def _adding(action: AddField, subject: Subject) -> tuple[Piece, ...]:
    if not action.nullable and action.default is None:
        raise Refused(
            "default-missing",
            f"{action.field} of {action.entity} may not be missing, but the documents there are would miss it",
            help="Give the field a default, or let it be missing.",
        )
    if not action.nullable:
        require_parents_required(subject)
    default = None if action.default is None else ejson.dumps(values.to_bson(action.default, action.type))
    name, collection = subject.field, subject.collection
    # Values of another type, from before the migration was written anew, stay where they are.
    kept = side_collection(subject.migration, collection, name, str(action.type))
    filling = RestoreValues(
        collection=collection, field=name, kept=kept, fill_json=default, made=subject.made
    )
    taking = RetireValues(
        collection=collection, field=name, kept=kept, unless_json=default, made=subject.made
    )
    missing = FindOffenders(collection=collection, filter_json=ejson.dumps({name: {"$exists": False}}))
    present = FindOffenders(collection=collection, filter_json=ejson.dumps({name: {"$exists": True}}))
    up = way(
        f"give every document of {collection} the field {name}"
        if default is not None
        else f"put back what an earlier removal kept of {name}",
        statement(filling),
        statement(DropKept(kept=kept)),
        hazards=(Hazard.NOT_ATOMIC,),
    )
    if default is not None:
        up = up.model_copy(update={"before": embedded_parents(subject)})
        after = probe("every-document-has-it", f"documents miss {name}", "Run the step again.", missing)
        up = up.model_copy(update={"after": (after,)})
    down = Way(
        summary=f"take {name} away from {collection}, keeping what differs from its default",
        statements=(statement(taking),),
        after=(probe("no-document-has-it", f"documents still have {name}", "Run the step again.", present),),
        hazards=(Hazard.NOT_ATOMIC, Hazard.BREAKS_OLD_CODE),
    )
    pieces = [piece(Phase.BACKFILL, up, down)]
    if subject.belongs_in_validator:
        schema = values.schema_of(action.type, nullable=action.nullable)
        admit = subject.describe(schema, required=False)
        forget = subject.describe(None, required=False)
        pieces.insert(
            0,
            piece(
                Phase.EXPAND,
                way(f"admit {name} in {collection}", admit),
                way(f"admit {name} no more", forget),
            ),
        )
        if not action.nullable:
            demand = subject.describe(schema, required=True)
            pieces.append(
                piece(
                    Phase.CONTRACT,
                    way(f"require {name} in {collection}", demand),
                    way(f"let {name} be missing again", admit, hazards=(Hazard.WEAKENS_CONSTRAINT,)),
                )
            )
    return tuple(pieces)


def embedded_parents(subject: Subject) -> tuple[Probe, ...]:
    """Return the question for documents in which something else lies where the embedded document has to be."""
    found = paths.parents(subject.field)
    if not found:
        return ()
    other = [{parent: {"$exists": True, "$not": {"$type": "object"}}} for parent in found]
    arrays = [{parent: {"$type": "array"}} for parent in found]
    return (
        probe(
            "parents-are-embedded",
            f"documents hold no embedded document at {found[-1]}, so {subject.field} has no place in them",
            "Put an embedded document there, or take out what is there.",
            FindOffenders(collection=subject.collection, filter_json=ejson.dumps({"$or": [*other, *arrays]})),
        ),
    )


def field_exists(entity: str, field: str) -> Refused:
    """Return the refusal of a name that is taken."""
    return Refused(
        "field-exists",
        f"documents or the validator of {entity} already have a field {field}",
        help="Choose another name.",
        next_tool="inspect_schema",
    )
