"""What can be done to a whole entity."""

from typing import Literal, Self

from pydantic import model_validator

from skill_server.model.action.base import ActionBase
from skill_server.model.base import Frozen, Json
from skill_server.model.ids import Name
from skill_server.model.logical import FieldType


class FieldSpec(Frozen):
    """A field of a new entity; `identity` lets the database number the records where it can."""

    name: Name
    type: FieldType
    nullable: bool = True
    default: Json = None
    identity: bool = False


class _EntityAction(ActionBase):
    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return the entity."""
        return frozenset({("entity", self.entity, "")})

    def touched(self) -> frozenset[str]:
        """Return the entity."""
        return frozenset({self.entity})


class _NewEntity(_EntityAction):
    fields: tuple[FieldSpec, ...]
    key: tuple[Name, ...]

    @model_validator(mode="after")
    def _key_is_of_fields(self) -> Self:
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise ValueError("an entity has each field once")
        if not self.key or not set(self.key) <= set(names):
            raise ValueError("the key of an entity names at least one of its fields")
        return self


class AddEntity(_NewEntity):
    """A new entity; what an earlier removal kept of it comes back."""

    kind: Literal["add_entity"] = "add_entity"

    def inverse(self) -> "RemoveEntity":
        """Return the action that takes the entity away again."""
        return RemoveEntity(**self.model_dump(exclude={"kind"}))


class RemoveEntity(_NewEntity):
    """Take an added entity away, keeping its records aside."""

    kind: Literal["remove_entity"] = "remove_entity"

    def inverse(self) -> AddEntity:
        """Return the action that adds the entity."""
        return AddEntity(**self.model_dump(exclude={"kind"}))


class RenameEntity(_EntityAction):
    """The same entity under another name; `to` is an entity."""

    kind: Literal["rename_entity"] = "rename_entity"
    to: Name

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return both names."""
        return frozenset({("entity", self.entity, ""), ("entity", self.to, "")})

    def touched(self) -> frozenset[str]:
        """Return both names."""
        return frozenset({self.entity, self.to})

    def inverse(self) -> "RenameEntity":
        """Return the rename back."""
        return RenameEntity(entity=self.to, to=self.entity)


class MoveEntity(_EntityAction):
    """The same entity in another schema of PostgreSQL; MongoDB has no such thing. Its logical name stays."""

    kind: Literal["move_entity"] = "move_entity"
    was: Name
    to: Name

    def inverse(self) -> "MoveEntity":
        """Return the move back."""
        return MoveEntity(entity=self.entity, was=self.to, to=self.was)


class RetireEntity(_EntityAction):
    """Hide an entity and keep its records."""

    kind: Literal["retire_entity"] = "retire_entity"


class PurgeEntity(_EntityAction):
    """Delete the kept records of a retired entity for good."""

    kind: Literal["purge_entity"] = "purge_entity"

    def inverse(self) -> None:
        """Nothing undoes a deletion but a restore from backup."""
        return None
