"""What a project's SQLAlchemy models say, and where they differ from a schema."""

from collections.abc import Collection, Iterator

from skill_server.model.base import Frozen
from skill_server.model.declaration import declaration
from skill_server.model.finding import Finding, Severity
from skill_server.model.ids import RETIRED_PREFIX, BackendKind
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Entity, Snapshot

_DEFAULT_NAMESPACE = "public"


class ModelField(Frozen):
    """A field as a model declares it; `type` is None where `Unreadable` says why."""

    name: str
    attribute: str
    type: FieldType | None
    nullable: bool
    file: str
    line: int


class ModelEntity(Frozen):
    """A model with its own and inherited fields; `name` is what PostgreSQL calls it, in the schema `namespace`."""

    name: str
    namespace: str | None = None
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


def models_match(
    models: ProjectModels,
    snapshot: Snapshot,
    *,
    unforeseen: Collection[str] = (),
    wanted: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Return where models and a PostgreSQL schema (often one that a plan predicts) differ.

    What could not be read is an error too, because it was not compared. A field that a migration only hid is no part of
    the schema. An entity without a model is a note, because a project may reach it by other means; whatever else
    differs is an error, and `help` holds the line to write. Of entities that are `unforeseen`, because statements of an
    author's own change them, a difference is a warning; an entity that is `wanted` needs a model.
    """
    found = [_unread(place) for place in models.unreadable]
    half_read = {place.file for place in models.unreadable}
    known = {entity.native_name: entity for entity in snapshot.entities}
    for model in models.entities:
        entity = _of_model(model, known)
        if entity is None:
            missing = _finding(
                model, "models-entity-missing", f"the schema has no entity {model.name}", "Remove this model."
            )
            # Statements of the author's own may make it.
            found.append(_softened(missing) if model.name in unforeseen else missing)
            continue
        del known[entity.native_name]
        # Where something was not understood, a field that seems to be missing may be just that.
        differences = [
            finding
            for finding in (*_misplaced(model, entity), *_differences(model, entity))
            if finding.rule != "models-field-missing" or model.file not in half_read
        ]
        found += [_softened(item) for item in differences] if entity.name in unforeseen else differences
    found += [
        Finding(
            rule="models-entity-unmodelled",
            severity=Severity.ERROR if entity.name in wanted else Severity.NOTE,
            backend=BackendKind.POSTGRES,
            name=name,
            message=f"no model declares the entity {name}",
            help="Declare it; the page of the migration shows the class."
            if entity.name in wanted
            else "Declare it, if the application uses it through models.",
        )
        for name, entity in sorted(known.items())
    ]
    return tuple(found)


def _of_model(model: ModelEntity, known: dict[str, Entity]) -> Entity | None:
    """Return the entity of a model: the one of its namespace, or the only one of its name."""
    if model.namespace is not None and (found := known.get(f"{model.namespace}.{model.name}")) is not None:
        return found
    alike = [entity for name, entity in known.items() if name.rpartition(".")[2] == model.name]
    return known.get(model.name) or (alike[0] if len(alike) == 1 else None)


def _misplaced(model: ModelEntity, entity: Entity) -> Iterator[Finding]:
    """Yield that a model looks for its entity in another namespace; without one the connection decides."""
    namespace = entity.native_name.rpartition(".")[0] or None
    if model.namespace != namespace and not (namespace is None and model.namespace == _DEFAULT_NAMESPACE):
        yield _finding(
            model,
            "models-namespace",
            f"{model.name} is in the schema {namespace or _DEFAULT_NAMESPACE}, and the model says "
            f"{model.namespace or 'none'}",
            f'Write `__table_args__ = {{"schema": "{namespace}"}}`.'
            if namespace
            else "Leave the schema out of `__table_args__`.",
        )


def _softened(finding: Finding) -> Finding:
    return finding.model_copy(
        update={
            "severity": Severity.WARNING,
            "message": f"{finding.message}, as far as the migration's own statements do not change it",
        }
    )


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
