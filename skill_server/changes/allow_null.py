"""Let a field be empty."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class AllowNull(Change):
    """A field that records may leave empty; the way back lists those that do."""

    kind: Literal["allow_null"] = "allow_null"
    field: Name

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that lifts the rule."""
        yield action.SetNullable(entity=self.entity, field=self.field, nullable=True)

    def inverse(self) -> Change:
        """Return the change that requires the field again."""
        return changes.construct("require_field", entity=self.entity, field=self.field)

    def describe(self) -> str:
        """Say which field may be empty."""
        return f"Let {self.field} of {self.entity} be empty."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there or identifies records."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.key_problems(snapshot, self.entity, self.field)


CHANGE = AllowNull
