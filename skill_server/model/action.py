"""The closed set of database-neutral primitives; each knows the one that undoes it.

`retire_*` hides and keeps, `restore_*` brings back what was hidden, `remove_*` takes away what `add_*` or `build_*`
made (keeping aside any value written meanwhile), `purge_*` deletes for good and has no inverse.
"""

from typing import Annotated, Literal, Self

from pydantic import Field

from skill_server.model.base import Frozen, Json
from skill_server.model.ids import BackendKind, Name, NativeNames
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import IndexKey


class AddField(Frozen):
    """A new field; every record gets `default`, or nothing where it is None."""

    kind: Literal["add_field"] = "add_field"
    entity: Name
    field: Name
    type: FieldType
    nullable: bool = True
    default: Json = None

    def inverse(self) -> "RemoveField":
        """Return the action that takes the field away again."""
        return RemoveField(**self.model_dump(exclude={"kind"}))


class RemoveField(Frozen):
    """Take an added field away, keeping aside the values that differ from its default."""

    kind: Literal["remove_field"] = "remove_field"
    entity: Name
    field: Name
    type: FieldType
    nullable: bool = True
    default: Json = None

    def inverse(self) -> AddField:
        """Return the action that adds the field."""
        return AddField(**self.model_dump(exclude={"kind"}))


class RenameField(Frozen):
    """The same field, values and position under another name."""

    kind: Literal["rename_field"] = "rename_field"
    entity: Name
    field: Name
    to: Name

    def inverse(self) -> "RenameField":
        """Return the rename back."""
        return RenameField(entity=self.entity, field=self.to, to=self.field)


class RetireField(Frozen):
    """Hide a field and keep its values; `fill` is what records written meanwhile get when it comes back."""

    kind: Literal["retire_field"] = "retire_field"
    entity: Name
    field: Name
    fill: Json = None

    def inverse(self) -> "RestoreField":
        """Return the action that brings the field back."""
        return RestoreField(entity=self.entity, field=self.field, fill=self.fill)


class RestoreField(Frozen):
    """Bring a retired field back with its values, constraints and indexes."""

    kind: Literal["restore_field"] = "restore_field"
    entity: Name
    field: Name
    fill: Json = None

    def inverse(self) -> RetireField:
        """Return the action that hides the field."""
        return RetireField(entity=self.entity, field=self.field, fill=self.fill)


class RetypeField(Frozen):
    """Convert a field from type `was` to type `to`, keeping the old values."""

    kind: Literal["retype_field"] = "retype_field"
    entity: Name
    field: Name
    was: FieldType
    to: FieldType

    def inverse(self) -> "RestoreType":
        """Return the action that brings the old values and type back."""
        return RestoreType(entity=self.entity, field=self.field, was=self.was, to=self.to)


class RestoreType(Frozen):
    """Bring back the values and type a retype kept; values written meanwhile are converted back."""

    kind: Literal["restore_type"] = "restore_type"
    entity: Name
    field: Name
    was: FieldType
    to: FieldType

    def inverse(self) -> RetypeField:
        """Return the conversion itself."""
        return RetypeField(entity=self.entity, field=self.field, was=self.was, to=self.to)


class BuildIndex(Frozen):
    """Build an index without stopping writers."""

    kind: Literal["build_index"] = "build_index"
    entity: Name
    name: Name
    keys: tuple[IndexKey, ...]
    unique: bool = False

    def inverse(self) -> "RemoveIndex":
        """Return the action that takes the index away."""
        return RemoveIndex(**self.model_dump(exclude={"kind"}))


class RemoveIndex(Frozen):
    """Take away an index that `build_index` made."""

    kind: Literal["remove_index"] = "remove_index"
    entity: Name
    name: Name
    keys: tuple[IndexKey, ...]
    unique: bool = False

    def inverse(self) -> BuildIndex:
        """Return the action that builds the index."""
        return BuildIndex(**self.model_dump(exclude={"kind"}))


class _KnownIndex(Frozen):
    """An index that is there already; `names` says what a database calls it where that is not `name`."""

    entity: Name
    name: Name
    names: NativeNames = {}

    def on(self, backend: BackendKind) -> Self:
        """Return the action under the name that one database uses."""
        return self.model_copy(update={"name": self.names.get(backend, self.name), "names": {}})


class RetireIndex(_KnownIndex):
    """Drop an index and remember its definition."""

    kind: Literal["retire_index"] = "retire_index"

    def inverse(self) -> "RestoreIndex":
        """Return the action that rebuilds the index."""
        return RestoreIndex(entity=self.entity, name=self.name, names=self.names)


class RestoreIndex(_KnownIndex):
    """Rebuild a retired index from its remembered definition."""

    kind: Literal["restore_index"] = "restore_index"

    def inverse(self) -> RetireIndex:
        """Return the action that drops the index."""
        return RetireIndex(entity=self.entity, name=self.name, names=self.names)


class PurgeField(Frozen):
    """Delete the kept values of a retired field for good."""

    kind: Literal["purge_field"] = "purge_field"
    entity: Name
    field: Name

    def inverse(self) -> None:
        """Nothing undoes a deletion but a restore from backup."""
        return None


class PurgeType(Frozen):
    """Delete the old values that a retype kept, for good."""

    kind: Literal["purge_type"] = "purge_type"
    entity: Name
    field: Name

    def inverse(self) -> None:
        """Nothing undoes a deletion but a restore from backup."""
        return None


Action = Annotated[
    AddField
    | RemoveField
    | RenameField
    | RetireField
    | RestoreField
    | RetypeField
    | RestoreType
    | BuildIndex
    | RemoveIndex
    | RetireIndex
    | RestoreIndex
    | PurgeField
    | PurgeType,
    Field(discriminator="kind"),
]
