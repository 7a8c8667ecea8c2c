"""What a project's SQLAlchemy models say, and where they differ from a schema."""

from collections.abc import Iterator

from skill_server.model.base import Frozen
from skill_server.model.declaration import declaration
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import RETIRED_PREFIX, BackendKind
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Entity, Snapshot


class ModelField(Frozen):
    """A field as a model declares it; `type` is None where `Unreadable` says why."""

    name: str
    attribute: str
    type: FieldType | None
    nullable: bool
    file: str
    line: int


class ModelEntity(Frozen):
    """A model with its own and inherited fields; `name` is what PostgreSQL calls it."""

    name: str
    file: str
    line: int
    fields: tuple[ModelField, ...]


class Unreadable(Frozen):
    """Something in the models that was not understood, and so was not compared."""

    file: str
    line: int
    message: str


class ProjectModels(Frozen):
    """Everything that was read from the models of a project."""

    entities: tuple[ModelEntity, ...]
    unreadable: tuple[Unreadable, ...] = ()


def models_match(models: ProjectModels, snapshot: Snapshot) -> tuple[Finding, ...]:
    """Return where models and a PostgreSQL schema (often one that a plan predicts) differ.

    What could not be read is an error too, because it was not compared. A field that a migration only hid is no part of
    the schema. An entity without a model is a note, because a project may reach it by other means; whatever else
    differs is an error, and `help` holds the line to write.
    """
    found = [_unread(place) for place in models.unreadable]
    half_read = {place.file for place in models.unreadable}
    known = {entity.native_name: entity for entity in snapshot.entities}
    for model in models.entities:
        entity = known.pop(model.name, None)
        if entity is None:
            found.append(
                _finding(
                    model,
                    "models-entity-missing",
                    f"the schema has no entity {model.name}",
                    "Remove this model.",
                )
            )
        else:
            # Where something was not understood, a field that seems to be missing may be just that.
            found += [
                finding
                for finding in _differences(model, entity)
                if finding.rule != "models-field-missing" or model.file not in half_read
            ]
    found += [
        Finding(
            rule="models-entity-unmodelled",
            severity=Severity.NOTE,
            backend=BackendKind.POSTGRES,
            name=name,
            message=f"no model declares the entity {name}",
            help="Declare it, if the application uses it through models.",
        )
        for name in sorted(known)
    ]
    return tuple(found)


def _unread(place: Unreadable) -> Finding:
    return Finding(
        rule="models-unreadable",
        severity=Severity.ERROR,
        backend=BackendKind.POSTGRES,
        message=f"{place.file}:{place.line}: {place.message}",
        help="Write it as `name: Mapped[…] = mapped_column(…)` with a type of SQLAlchemy's own.",
        file=place.file,
        line=place.line,
    )


def _differences(model: ModelEntity, entity: Entity) -> Iterator[Finding]:
    fields = {
        field.native_name: field
        for field in entity.fields
        if not field.native_name.startswith(RETIRED_PREFIX)
    }
    for declared in model.fields:
        field = fields.pop(declared.name, None)
        if field is None:
            yield _finding(
                declared,
                "models-field-extra",
                f"{model.name} will have no field {declared.name}",
                f"Remove the attribute {declared.attribute}, or correct its name.",
            )
        elif declared.type is not None and field.type is not None and declared.type != field.type:
            yield _finding(
                declared,
                "models-type",
                f"{declared.name} of {model.name} is {declared.type} in the model and {field.type} in the schema",
                f"Write `{declaration(field, attribute=declared.attribute)}`.",
            )
        elif declared.nullable != field.nullable:
            yield _finding(
                declared,
                "models-nullable",
                f"{declared.name} of {model.name} may {'' if declared.nullable else 'not '}be empty in the model and "
                f"may {'' if field.nullable else 'not '}in the schema",
                f"Write `{declaration(field, attribute=declared.attribute)}`.",
            )
    for field in fields.values():
        yield _finding(
            model,
            "models-field-missing",
            f"the model of {model.name} has no field {field.native_name}",
            f"Write `{declaration(field)}`.",
            name=field.native_name,
        )


def _finding(
    place: ModelEntity | ModelField, rule: str, message: str, help: str, *, name: str | None = None
) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.ERROR,
        backend=BackendKind.POSTGRES,
        message=message,
        help=help,
        file=place.file,
        line=place.line,
        name=name or place.name,
    )
