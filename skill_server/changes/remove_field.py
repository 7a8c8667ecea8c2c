"""Take away a field that `add_field` added; only a downgrade lists this."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Snapshot
from skill_server.model.values import PlainValue


class RemoveField(Change):
    """The undoing of `add_field`; values written meanwhile are kept aside."""

    undo_only: ClassVar[bool] = True
    kind: Literal["remove_field"] = "remove_field"
    field: Name
    type: FieldType
    nullable: bool = True
    default: PlainValue = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that takes the field away."""
        yield action.RemoveField(**self.model_dump(exclude={"kind"}))

    def inverse(self) -> Change:
        """Return the change that adds the field."""
        return changes.construct("add_field", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say what goes, and what is kept."""
        return (
            f"Take the field {self.field} away from {self.entity}; values written meanwhile are kept aside."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there."""
        yield from presence.field_problems(snapshot, self.entity, self.field)

    def retired_names(self) -> frozenset[str]:
        """Return the name of the field."""
        return frozenset({self.field})


CHANGE = RemoveField
