"""What a schema looks like after an action, without asking a database."""

from collections.abc import Callable
from typing import assert_never

from skill_server.model import action as actions
from skill_server.model.action import Action
from skill_server.model.base import digest
from skill_server.model.snapshot import Entity, Field, Index, IndexKey, Snapshot


def after(snapshot: Snapshot, action: Action) -> Snapshot:
    """Return the logical schema as it will be once `action` ran; the fingerprint of a foreseen schema is marked so."""
    edit = _edit(action)
    entities = tuple(edit(entity) if entity.name == action.entity else entity for entity in snapshot.entities)
    return snapshot.model_copy(
        update={
            "entities": entities,
            "fingerprint": f"foreseen:{digest([snapshot.fingerprint, action.model_dump(mode='json')])}",
        }
    )


def _edit(action: Action) -> Callable[[Entity], Entity]:
    match action:
        case actions.AddField():
            field = Field(
                name=action.field,
                native_name=action.field,
                type=action.type,
                native_type=str(action.type),
                nullable=action.nullable,
                default=None if action.default is None else str(action.default),
            )
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
        case actions.RetypeField():
            return lambda entity: _retyped(entity, action.field, action.to)
        case actions.RestoreType():
            return lambda entity: _retyped(entity, action.field, action.was)
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
        case actions.PurgeField() | actions.PurgeType():
            return lambda entity: entity
        case _:
            assert_never(action)


def _without(entity: Entity, name: str) -> tuple[Field, ...]:
    return tuple(field for field in entity.fields if field.name != name)


def _retyped(entity: Entity, name: str, to: object) -> Entity:
    fields = tuple(
        field.model_copy(update={"type": to, "native_type": str(to)}) if field.name == name else field
        for field in entity.fields
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
