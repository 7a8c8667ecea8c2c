"""Renaming a field, with the validator and the indexes that name it."""

from __future__ import annotations

from skill_server.backends.mongo.documents import ejson, paths
from skill_server.backends.mongo.operations.operations import FindOffenders, RenameValues
from skill_server.backends.mongo.render.field import field_exists
from skill_server.backends.mongo.render.index import move_indexes
from skill_server.backends.mongo.render.rendering import Subject, piece, require_subject, way
from skill_server.backends.mongo.render.wording import probe, statement
from skill_server.errors import Refused
from skill_server.model.action import RenameField
from skill_server.model.hazard import Hazard
from skill_server.model.names import NameMap
from skill_server.model.plan import Phase, Piece, Statement, Way
from skill_server.model.snapshot import Snapshot


def rename(action: RenameField, snapshot: Snapshot, names: NameMap, migration: str) -> tuple[Piece, ...]:
    """Admit both names, rename in place, build the indexes on the new name, then close the old name."""
    old = require_subject(snapshot, names, action.entity, action.field, migration)
    new = require_subject(snapshot, names, action.entity, action.to, migration)
    if paths.parent(old.field) != paths.parent(new.field):
        raise Refused(
            "parent-differs",
            f"{old.field} of {action.entity} would move to {new.field}, into another embedded document",
            help="Name its new path in the configuration, beside the old one.",
        )
    if new.entity.field(action.to) is not None or new.in_validator:
        raise field_exists(action.entity, new.field)
    indexes = move_indexes(old, new.field)
    relaxed = (Hazard.WEAKENS_CONSTRAINT,) if old.required_place is not None or indexes.guards else ()
    expand = piece(
        Phase.EXPAND,
        way(f"admit {new.field} beside {old.field}", *_both(old, new), *indexes.guards, hazards=relaxed),
        way(f"admit {old.field} alone, as before", *indexes.as_before, *_old_alone(old, new)),
    )
    concurrent = piece(
        Phase.CONCURRENT,
        way(f"build the indexes on {new.field}", *indexes.build, hazards=(Hazard.SCANS,)),
        way(f"drop the indexes on {new.field}", *indexes.unbuild),
    )
    contract = piece(
        Phase.CONTRACT,
        way(
            f"admit {new.field} alone",
            *_new_alone(old, new),
            *indexes.close,
            hazards=(Hazard.BREAKS_OLD_CODE,),
        ),
        way(f"admit {old.field} beside {new.field}", *_both(old, new), *indexes.reopen, hazards=relaxed),
    )
    return tuple(
        part for part in (expand, _values(old, new.field), concurrent, contract) if part.up.statements
    )


def _values(old: Subject, to: str) -> Piece:
    return piece(
        Phase.BACKFILL, _moving(old.collection, old.field, to), _moving(old.collection, to, old.field)
    )


def _moving(collection: str, field: str, to: str) -> Way:
    both = {field: {"$exists": True}, to: {"$exists": True}}
    left = {field: {"$exists": True}}
    return Way(
        summary=f"rename {field} to {to} in every document of {collection}",
        statements=(statement(RenameValues(collection=collection, field=field, to=to)),),
        before=(
            probe(
                "one-name-only",
                f"documents have both {field} and {to}, so a rename would lose one of them",
                "Take one of the two fields out of these documents.",
                FindOffenders(collection=collection, filter_json=ejson.dumps(both)),
            ),
        ),
        after=(
            probe(
                "no-document-has-it",
                f"documents still have {field}",
                "Stop the writers that still use the old name, then run the step again.",
                FindOffenders(collection=collection, filter_json=ejson.dumps(left)),
            ),
        ),
        hazards=(Hazard.NOT_ATOMIC, Hazard.BREAKS_OLD_CODE),
    )


def _both(old: Subject, new: Subject) -> tuple[Statement, ...]:
    if not old.in_validator:
        return ()
    return (
        old.describe(old.schema, required=False),
        new.describe(old.schema, required=False, place=None if old.place is None else old.place + 1),
    )


def _new_alone(old: Subject, new: Subject) -> tuple[Statement, ...]:
    if not old.in_validator:
        return ()
    required = old.required_place is not None
    return (
        old.describe(None, required=False),
        new.describe(old.schema, required=required, place=old.place, required_place=old.required_place),
    )


def _old_alone(old: Subject, new: Subject) -> tuple[Statement, ...]:
    if not old.in_validator:
        return ()
    return (new.describe(None, required=False), old.described_as_before())
