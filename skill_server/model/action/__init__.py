"""The closed set of database-neutral primitives; each knows the one that undoes it.

`retire_*` hides and keeps, `restore_*` brings back what was hidden, `remove_*` takes away what `add_*` or `build_*`
made (keeping aside any value written meanwhile), `purge_*` deletes for good and has no inverse. `undo` stands for the
way back of an action that only its stored plan knows.
"""

from typing import Annotated, Literal

from pydantic import Field

from skill_server.model.action.base import ActionBase
from skill_server.model.action.constraints import (
    AddConstraint,
    CheckSpec,
    ConstraintSpec,
    OnDelete,
    ReferenceSpec,
    RemoveConstraint,
    RetireConstraint,
)
from skill_server.model.action.data import CopyRecords, PurgeValues, RunRaw, UpdateValues
from skill_server.model.action.entities import (
    AddEntity,
    FieldSpec,
    MoveEntity,
    PurgeEntity,
    RemoveEntity,
    RenameEntity,
    RetireEntity,
)
from skill_server.model.action.fields import (
    AddField,
    PurgeField,
    PurgeType,
    RemoveField,
    RenameField,
    RestoreField,
    RestoreType,
    RetireField,
    RetypeField,
    SetDefault,
    SetNullable,
)
from skill_server.model.action.indexes import BuildIndex, RemoveIndex, RestoreIndex, RetireIndex

# What only a stored plan can undo, because the schema of today no longer says what comes back.
Undoable = Annotated[
    SetDefault | RetireEntity | RetireConstraint | UpdateValues | CopyRecords, Field(discriminator="kind")
]


class Undo(ActionBase):
    """The way back of an action, out of the plan that carried it out."""

    kind: Literal["undo"] = "undo"
    undone: Undoable

    def claims(self) -> frozenset[tuple[str, str, str]]:
        """Return what the undone action claims."""
        return self.undone.claims()

    def touched(self) -> frozenset[str]:
        """Return what the undone action touches."""
        return self.undone.touched()

    def inverse(self) -> Undoable:
        """Return the action itself."""
        return self.undone


Action = Annotated[
    AddField
    | RemoveField
    | RenameField
    | RetireField
    | RestoreField
    | RetypeField
    | RestoreType
    | SetDefault
    | SetNullable
    | PurgeField
    | PurgeType
    | BuildIndex
    | RemoveIndex
    | RetireIndex
    | RestoreIndex
    | AddEntity
    | RemoveEntity
    | RenameEntity
    | MoveEntity
    | RetireEntity
    | PurgeEntity
    | AddConstraint
    | RemoveConstraint
    | RetireConstraint
    | UpdateValues
    | CopyRecords
    | PurgeValues
    | RunRaw
    | Undo,
    Field(discriminator="kind"),
]


def inverse(action: Action) -> Action | None:
    """Return the action that undoes another, or None where only a restore from backup does."""
    match action:
        case SetDefault() | RetireEntity() | RetireConstraint() | UpdateValues() | CopyRecords():
            return Undo(entity=action.entity, undone=action)
        case _:
            return action.inverse()


__all__ = [
    "Action",
    "ActionBase",
    "AddConstraint",
    "AddEntity",
    "AddField",
    "BuildIndex",
    "CheckSpec",
    "ConstraintSpec",
    "CopyRecords",
    "FieldSpec",
    "MoveEntity",
    "OnDelete",
    "PurgeEntity",
    "PurgeField",
    "PurgeType",
    "PurgeValues",
    "ReferenceSpec",
    "RemoveConstraint",
    "RemoveEntity",
    "RemoveField",
    "RemoveIndex",
    "RenameEntity",
    "RenameField",
    "RestoreField",
    "RestoreIndex",
    "RestoreType",
    "RetireConstraint",
    "RetireEntity",
    "RetireField",
    "RetireIndex",
    "RetypeField",
    "RunRaw",
    "SetDefault",
    "SetNullable",
    "Undo",
    "Undoable",
    "UpdateValues",
    "inverse",
]
