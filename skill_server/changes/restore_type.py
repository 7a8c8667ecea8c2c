"""Bring back the values and type that `retype_field` kept; only a downgrade lists this."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.logical import BadValues, FieldType
from skill_server.model.snapshot import Snapshot
from skill_server.model.values import PlainValue


class RestoreType(Change):
    """The undoing of `retype_field`; values written meanwhile are converted back."""

    undo_only: ClassVar[bool] = True
    kind: Literal["restore_type"] = "restore_type"
    field: Name
    was: FieldType
    to: FieldType
    on_bad: BadValues = BadValues.FAIL
    bad_default: PlainValue = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that brings the old values back."""
        yield action.RestoreType(**self.model_dump(exclude={"kind"}))

    def inverse(self) -> Change:
        """Return the conversion itself."""
        return changes.construct("retype_field", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say which type comes back."""
        return f"Bring the field {self.field} of {self.entity} back from {self.to} to {self.was}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there."""
        yield from presence.field_problems(snapshot, self.entity, self.field)


CHANGE = RestoreType
