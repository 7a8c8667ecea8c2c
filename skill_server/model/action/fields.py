"""What can be done to one field: its existence, name, type, default and whether it may be empty."""

from typing import Literal

from skill_server.model.action.base import FieldAction
from skill_server.model.base import Json
from skill_server.model.ids import Name
from skill_server.model.logical import BadValues, FieldType


class AddField(FieldAction):
    """A new field; every record gets `default`, or nothing where it is None."""

    kind: Literal["add_field"] = "add_field"
    type: FieldType
    nullable: bool = True
    default: Json = None

    def inverse(self) -> "RemoveField":
        """Return the action that takes the field away again."""
        return RemoveField(**self.model_dump(exclude={"kind"}))


class RemoveField(FieldAction):
    """Take an added field away, keeping aside the values that differ from its default."""

    kind: Literal["remove_field"] = "remove_field"
    type: FieldType
    nullable: bool = True
    default: Json = None

    def inverse(self) -> AddField:
        """Return the action that adds the field."""
        return AddField(**self.model_dump(exclude={"kind"}))


class RenameField(FieldAction):
    """The same field, values and position under another name."""

    kind: Literal["rename_field"] = "rename_field"
    to: Name

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return both names of the field."""
        return frozenset({("field", self.entity, self.field), ("field", self.entity, self.to)})

    def touched(self) -> frozenset[str]:
        """Return both names of the field."""
        return frozenset({f"{self.entity}.{self.field}", f"{self.entity}.{self.to}"})

    def inverse(self) -> "RenameField":
        """Return the rename back."""
        return RenameField(entity=self.entity, field=self.to, to=self.field)


class RetireField(FieldAction):
    """Hide a field and keep its values; `fill` is what records written meanwhile get when it comes back.

    `type` is the declared type of the field, by which `fill` is read; None where no database declares one.
    """

    kind: Literal["retire_field"] = "retire_field"
    fill: Json = None
    type: FieldType | None = None

    def inverse(self) -> "RestoreField":
        """Return the action that brings the field back."""
        return RestoreField(**self.model_dump(exclude={"kind"}))


class RestoreField(FieldAction):
    """Bring a retired field back with its values, constraints and indexes."""

    kind: Literal["restore_field"] = "restore_field"
    fill: Json = None
    type: FieldType | None = None

    def inverse(self) -> RetireField:
        """Return the action that hides the field."""
        return RetireField(**self.model_dump(exclude={"kind"}))


class RetypeField(FieldAction):
    """Convert a field from type `was` to type `to`, keeping the old values.

    `on_bad` says what becomes of a value that does not convert, in either direction; `bad_default` is the value of
    type `to` that the policy `default` puts there.
    """

    kind: Literal["retype_field"] = "retype_field"
    was: FieldType
    to: FieldType
    on_bad: BadValues = BadValues.FAIL
    bad_default: Json = None

    def inverse(self) -> "RestoreType":
        """Return the action that brings the old values and type back."""
        return RestoreType(**self.model_dump(exclude={"kind"}))


class RestoreType(FieldAction):
    """Bring back the values and type a retype kept; values written meanwhile are converted back."""

    kind: Literal["restore_type"] = "restore_type"
    was: FieldType
    to: FieldType
    on_bad: BadValues = BadValues.FAIL
    bad_default: Json = None

    def inverse(self) -> RetypeField:
        """Return the conversion itself."""
        return RetypeField(**self.model_dump(exclude={"kind"}))


class PurgeField(FieldAction):
    """Delete the kept values of a retired field for good."""

    kind: Literal["purge_field"] = "purge_field"

    def inverse(self) -> None:
        """Nothing undoes a deletion but a restore from backup."""
        return None


class PurgeType(FieldAction):
    """Delete the old values that a retype kept, for good; with `keep_bad` all but those that did not convert to `to`.

    The type is told, because the field may have got yet another one since.
    """

    kind: Literal["purge_type"] = "purge_type"
    to: FieldType
    keep_bad: bool = False

    def inverse(self) -> None:
        """Nothing undoes a deletion but a restore from backup."""
        return None


class SetDefault(FieldAction):
    """Give new records a default, or none where it is None; records that are there keep their values."""

    kind: Literal["set_default"] = "set_default"
    default: Json = None


class SetNullable(FieldAction):
    """Say whether a field may be empty; nothing happens where that is so already.

    `with_update` says that the same migration computes values of the field. The rule is then lifted before that and set
    after it, in either direction, and records without a value are looked for only there.
    """

    kind: Literal["set_nullable"] = "set_nullable"
    nullable: bool
    with_update: bool = False

    def inverse(self) -> "SetNullable":
        """Return the opposite."""
        return self.model_copy(update={"nullable": not self.nullable})
