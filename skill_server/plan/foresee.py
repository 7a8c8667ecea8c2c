"""What a schema looks like after an action, without asking a database."""

from collections.abc import Callable
from typing import assert_never

from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.base import digest
from skill_server.model.logical import LogicalType
from skill_server.model.references import followers
from skill_server.model.snapshot import Constraint, Entity, Field, Index, IndexKey, Snapshot


def after(snapshot: Snapshot, action: Action) -> Snapshot:
    """Return the logical schema as it will be once `action` ran; the fingerprint of a foreseen schema is marked so."""
    return snapshot.model_copy(
        update={
            "entities": _entities(snapshot, action),
            "namespaces": _namespaces(snapshot, action),
            "fingerprint": f"foreseen:{digest([snapshot.fingerprint, action.model_dump(mode='json')])}",
        }
    )


def made(action: Action) -> tuple[str, ...]:
    """Return the entities that an action makes; after its way back they are gone."""
    match action:
        case actions.AddEntity():
            return (action.entity,)
        case actions.RenameEntity():
            return (action.to,)
        case _:
            return ()


def _namespaces(snapshot: Snapshot, action: Action) -> tuple[str, ...] | None:
    if not isinstance(action, actions.MoveEntity) or snapshot.namespaces is None:
        return snapshot.namespaces
    return tuple(dict.fromkeys((*snapshot.namespaces, action.to)))


def _entities(snapshot: Snapshot, action: Action) -> tuple[Entity, ...]:
    others = tuple(entity for entity in snapshot.entities if entity.name != action.entity)
    match action:
        case actions.AddEntity():
            return (*others, _new(action))
        case actions.RemoveEntity() | actions.RetireEntity():
            return tuple(_forgetting(entity, action.entity) for entity in others)
        case actions.RenameEntity():
            return tuple(_entity_renamed(entity, action.entity, action.to) for entity in snapshot.entities)
        case actions.MoveEntity() if snapshot.namespaces is not None:
            return tuple(
                _moved(entity, action.to) if entity.name == action.entity else entity
                for entity in snapshot.entities
            )
        case actions.RetypeField():
            return _retyped(snapshot, action.entity, action.field, action.to)
        case actions.RestoreType():
            return _retyped(snapshot, action.entity, action.field, action.was)
        case actions.Undo(undone=actions.RetireEntity()):
            return (*others, Entity(name=action.entity, native_name=action.entity))
        case _:
            edit = _edit(action)
            edited = tuple(
                edit(entity) if entity.name == action.entity else entity for entity in snapshot.entities
            )
            return _released(edited, action.entity)


def _edit(action: Action) -> Callable[[Entity], Entity]:
    match action:
        case actions.AddField():
            field = _field(action.field, action.type, nullable=action.nullable, default=action.default)
            return lambda entity: entity.model_copy(
                update={"fields": (*_without(entity, action.field), field)}
            )
        case actions.RemoveField() | actions.RetireField():
            return lambda entity: entity.model_copy(
                update={
                    "fields": _without(entity, action.field),
                    "indexes": tuple(index for index in entity.indexes if action.field not in index.fields),
                    "constraints": tuple(
                        item for item in entity.constraints if action.field not in item.fields
                    ),
                }
            )
        case actions.RenameField():
            return lambda entity: _renamed(entity, action.field, action.to)
        case actions.RestoreField():
            field = Field(name=action.field, native_name=action.field, type=None, native_type="restored")
            return lambda entity: entity.model_copy(
                update={"fields": (*_without(entity, action.field), field)}
            )
        case actions.SetDefault():
            default = None if action.default is None else str(action.default)
            return lambda entity: _edited(entity, action.field, default=default)
        case actions.SetNullable():
            return lambda entity: _edited(entity, action.field, nullable=action.nullable)
        case actions.BuildIndex():
            index = Index(
                name=action.name,
                keys=action.keys,
                unique=action.unique,
                definition="",
                fields=tuple(key.field for key in action.keys if key.field is not None),
            )
            return lambda entity: entity.model_copy(update={"indexes": (*entity.indexes, index)})
        case actions.RemoveIndex() | actions.RetireIndex():
            return lambda entity: entity.model_copy(
                update={"indexes": tuple(index for index in entity.indexes if index.name != action.name)}
            )
        case actions.RestoreIndex():
            index = Index(name=action.name, keys=(), definition="")
            return lambda entity: entity.model_copy(update={"indexes": (*entity.indexes, index)})
        case actions.AddConstraint():
            constraint = _constraint(action)
            return lambda entity: entity.model_copy(update={"constraints": (*entity.constraints, constraint)})
        case actions.RemoveConstraint() | actions.RetireConstraint():
            return lambda entity: entity.model_copy(
                update={"constraints": tuple(item for item in entity.constraints if item.name != action.name)}
            )
        case (
            actions.PurgeField()
            | actions.PurgeType()
            | actions.PurgeValues()
            | actions.PurgeEntity()
            | actions.UpdateValues()
            | actions.CopyRecords()
            | actions.RunRaw()
            | actions.MoveEntity()
            | actions.Undo()
        ):
            return lambda entity: entity
        case (
            actions.AddEntity()
            | actions.RemoveEntity()
            | actions.RenameEntity()
            | actions.RetireEntity()
            | actions.RetypeField()
            | actions.RestoreType()
        ):
            raise ValueError(f"{action.kind} changes more than one entity")
        case _:
            assert_never(action)


def _retyped(snapshot: Snapshot, entity: str, field: str, to: LogicalType) -> tuple[Entity, ...]:
    """Return the entities after a field and all that point to it have got another type."""
    places = {(entity, field)} | {
        (item.entity.name, item.field.name) for item in followers(snapshot, entity, field)
    }
    return tuple(
        known.model_copy(
            update={
                "fields": tuple(
                    item.model_copy(update={"type": to, "native_type": str(to)})
                    if (known.name, item.name) in places
                    else item
                    for item in known.fields
                )
            }
        )
        for known in snapshot.entities
    )


def _new(action: actions.AddEntity) -> Entity:
    return Entity(
        name=action.entity,
        native_name=action.entity,
        fields=tuple(
            _field(
                item.name,
                item.type,
                nullable=item.nullable and item.name not in action.key,
                default=item.default,
            )
            for item in action.fields
        ),
        key=action.key,
    )


def _field(name: str, kind: LogicalType, *, nullable: bool, default: object) -> Field:
    return Field(
        name=name,
        native_name=name,
        type=kind,
        native_type=str(kind),
        nullable=nullable,
        default=None if default is None else str(default),
    )


def _constraint(action: actions.AddConstraint) -> Constraint:
    spec = action.spec
    match spec:
        case actions.CheckSpec():
            return Constraint(name=action.name, kind="check", fields=(spec.field,), definition="")
        case actions.ReferenceSpec():
            return Constraint(
                name=action.name,
                kind="foreign_key",
                fields=(spec.field,),
                definition="",
                references=spec.references,
                references_fields=(spec.references_field,),
                on_delete=spec.on_delete,
            )


def _forgetting(entity: Entity, gone: str) -> Entity:
    kept = tuple(item for item in entity.constraints if item.references != gone)
    leaning = tuple(
        item
        for item in entity.dependents
        if not (item.kind == "foreign_key" and item.name.startswith(f"{gone}."))
    )
    return entity.model_copy(update={"constraints": kept, "dependents": leaning})


def _released(entities: tuple[Entity, ...], changed: str) -> tuple[Entity, ...]:
    """Return the entities without what leans on them by a reference that the changed entity no longer has."""
    left = {f"{entity.name}.{item.name}" for entity in entities for item in entity.constraints}
    return tuple(
        entity.model_copy(
            update={
                "dependents": tuple(
                    item
                    for item in entity.dependents
                    if item.kind != "foreign_key"
                    or item.name in left
                    or not item.name.startswith(f"{changed}.")
                )
            }
        )
        for entity in entities
    )


def _moved(entity: Entity, to: str) -> Entity:
    bare = entity.native_name.rpartition(".")[2]
    return entity.model_copy(update={"native_name": f"{to}.{bare}"})


def _entity_renamed(entity: Entity, name: str, to: str) -> Entity:
    constraints = tuple(
        item.model_copy(update={"references": to}) if item.references == name else item
        for item in entity.constraints
    )
    renamed = {"name": to, "native_name": to} if entity.name == name else {}
    return entity.model_copy(update={"constraints": constraints, **renamed})


def _without(entity: Entity, name: str) -> tuple[Field, ...]:
    return tuple(field for field in entity.fields if field.name != name)


def _edited(entity: Entity, name: str, **update: object) -> Entity:
    fields = tuple(
        field.model_copy(update=update) if field.name == name else field for field in entity.fields
    )
    return entity.model_copy(update={"fields": fields})


def _renamed(entity: Entity, name: str, to: str) -> Entity:
    def swap(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(to if item == name else item for item in names)

    def swap_keys(keys: tuple[IndexKey, ...]) -> tuple[IndexKey, ...]:
        return tuple(key.model_copy(update={"field": to}) if key.field == name else key for key in keys)

    return entity.model_copy(
        update={
            "fields": tuple(
                field.model_copy(update={"name": to, "native_name": to}) if field.name == name else field
                for field in entity.fields
            ),
            "indexes": tuple(
                index.model_copy(update={"keys": swap_keys(index.keys), "fields": swap(index.fields)})
                for index in entity.indexes
            ),
            "constraints": tuple(
                item.model_copy(update={"fields": swap(item.fields)}) for item in entity.constraints
            ),
            "dependents": tuple(
                item.model_copy(update={"fields": swap(item.fields)}) for item in entity.dependents
            ),
            "key": swap(entity.key),
        }
    )
