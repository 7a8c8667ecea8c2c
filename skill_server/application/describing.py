"""Describe a schema for a reader: all entities in short, or one of them in full."""

from itertools import islice

from skill_server.application.session import Session
from skill_server.application.views import capped, shown, statement_text
from skill_server.errors import Invalid
from skill_server.model.base import JsonObject
from skill_server.model.presence import alike
from skill_server.model.snapshot import Entity

ENTITIES_BYTES = 7_000
FIELDS_BYTES = 4_000
PARTS_BYTES = 1_500
MOST_NAMES = 40


def schema_views(session: Session, entity: str | None) -> tuple[dict[str, list[JsonObject]], dict[str, int]]:
    """Return the entities of each database for reading, and how many of each were left out.

    Raises:
        Invalid: no database holds the entity that was asked for (`entity-unknown`).
    """
    known = {found.name for snapshot in session.snapshots.values() for found in snapshot.entities}
    if entity is not None and entity not in known:
        raise Invalid(
            "entity-unknown",
            f"neither database has an entity called {shown(entity)}",
            help=shown(alike(entity, sorted(known))),
            next_tool="inspect_schema",
            next_args={"target": session.target.name},
        )
    views: dict[str, list[JsonObject]] = {}
    omitted: dict[str, int] = {}
    for kind, snapshot in session.snapshots.items():
        if entity is None:
            views[kind], omitted[kind] = capped((_short(item) for item in snapshot.entities), ENTITIES_BYTES)
        else:
            views[kind] = [_full(item) for item in snapshot.entities if item.name == entity]
            omitted[kind] = 0
    return views, omitted


def _short(entity: Entity) -> JsonObject:
    names = [shown(field.name) for field in islice(entity.fields, MOST_NAMES)]
    return {
        "name": shown(entity.name),
        "native_name": shown(entity.native_name),
        "records_estimate": entity.records,
        "fields": names,
        "fields_omitted": len(entity.fields) - len(names),
        "indexes": len(entity.indexes),
    }


def _full(entity: Entity) -> JsonObject:
    fields, fields_omitted = capped(
        (
            {
                "name": shown(field.name),
                **({"native_name": shown(field.native_name)} if field.native_name != field.name else {}),
                "type": str(field.type) if field.type else None,
                "native_type": shown(field.native_type),
                "nullable": field.nullable,
                **({"default": shown(field.default)} if field.default is not None else {}),
            }
            for field in entity.fields
        ),
        FIELDS_BYTES,
    )
    indexes, indexes_omitted = capped(
        (
            {"name": shown(index.name), "unique": index.unique, "definition": shown(index.definition)}
            for index in entity.indexes
        ),
        PARTS_BYTES,
    )
    constraints, constraints_omitted = capped(
        (
            {"name": shown(part.name), "kind": part.kind, "definition": shown(part.definition)}
            for part in entity.constraints
        ),
        PARTS_BYTES,
    )
    dependents, dependents_omitted = capped(
        (
            {
                "kind": shown(part.kind),
                "name": shown(part.name),
                "fields": [shown(name) for name in part.fields],
            }
            for part in entity.dependents
        ),
        PARTS_BYTES,
    )
    return {
        "name": shown(entity.name),
        "native_name": shown(entity.native_name),
        "key": [shown(name) for name in entity.key],
        "records_estimate": entity.records,
        "size_bytes": entity.size_bytes,
        "fields": fields,
        "fields_omitted": fields_omitted,
        "indexes": indexes,
        "indexes_omitted": indexes_omitted,
        "constraints": constraints,
        "constraints_omitted": constraints_omitted,
        "dependents": dependents,
        "dependents_omitted": dependents_omitted,
        **({"validator": statement_text(str(entity.validator))} if entity.validator else {}),
    }
