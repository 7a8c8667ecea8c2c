"""Where a project's models and a database that declares no fields differ, as far as its records tell."""

from collections.abc import Iterator
from typing import Final

from skill_server.model.ids import BackendKind
from skill_server.model.logical import Kind, LogicalType
from skill_server.model.names import NameMap
from skill_server.model.snapshot import Entity, Snapshot
from skill_server.project.models import ModelEntity, ProjectModels

# What an application may keep as one another without loss; text stands for whatever has no type of its own there.
_FAMILIES: Final = {
    Kind.STRING: "text",
    Kind.TEXT: "text",
    Kind.INTEGER: "number",
    Kind.BIG_INTEGER: "number",
    Kind.FLOAT: "number",
    Kind.DECIMAL: "number",
    Kind.BOOLEAN: "truth",
    Kind.DATE: "moment",
    Kind.DATE_TIME: "moment",
    Kind.UUID: "bytes",
    Kind.BINARY: "bytes",
}
_AS_TEXT: Final = frozenset({Kind.DECIMAL, Kind.DATE, Kind.DATE_TIME, Kind.UUID, Kind.BINARY})


def models_held(models: ProjectModels, schema: Snapshot, held: Snapshot, names: NameMap) -> tuple[str, ...]:
    """Return which fields that every record must have no record has, and which hold values of another family of types.

    `schema` is the one that the models are of, `held` the one that declares no fields. A field that may be empty may be
    left out of every record, a key may be kept in the database's own, and what one database computes the other need
    not. Entities that `held` does not have, or has no records of, are not looked at.
    """
    found = {entity.native_name: entity for entity in schema.entities}
    return tuple(
        line
        for model in models.entities
        if (declared := found.get(model.name) or found.get(f"{model.namespace}.{model.name}")) is not None
        and (entity := held.entity(declared.name)) is not None
        and entity.records
        for line in _differences(model, declared, entity, names)
    )


def _differences(model: ModelEntity, declared: Entity, held: Entity, names: NameMap) -> Iterator[str]:
    for field in model.fields:
        name = names.logical_field(declared.name, field.name, BackendKind.POSTGRES)
        own, there = declared.field(name), held.field(name)
        place = f"{field.file}:{field.line}"
        if there is None:
            computed = own is not None and own.generated
            if not field.nullable and not computed and name not in declared.key:
                yield f"no record of {held.name} has the field {name}, which the model requires ({place})"
        elif field.type is not None and there.type is not None and not _fits(field.type, there.type):
            yield f"{held.name}.{name} is {field.type} in the model and {there.type} in the records ({place})"


def _fits(declared: LogicalType, held: LogicalType) -> bool:
    wanted, family = _FAMILIES.get(declared.kind), _FAMILIES.get(held.kind)
    # What has no family holds anything: embedded values, arrays, references.
    if wanted is None or family is None or wanted == family:
        return True
    return family == "text" and declared.kind in _AS_TEXT
