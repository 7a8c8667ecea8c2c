"""Bring back a field that `drop_field` hid; only a downgrade lists this."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot
from skill_server.model.values import PlainValue


class RestoreField(Change):
    """The undoing of `drop_field`: the same values, constraints and indexes."""

    undo_only: ClassVar[bool] = True
    kind: Literal["restore_field"] = "restore_field"
    field: Name
    fill: PlainValue = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that brings the field back."""
        yield action.RestoreField(entity=self.entity, field=self.field, fill=self.fill)

    def inverse(self) -> Change:
        """Return the change that hides the field."""
        return changes.construct("drop_field", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say what comes back."""
        return f"Bring the field {self.field} of {self.entity} back with the values it had."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is there."""
        yield from presence.taken_problems(snapshot, self.entity, self.field)


CHANGE = RestoreField
