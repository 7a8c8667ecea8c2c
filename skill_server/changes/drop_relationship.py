"""Let a field no longer have to name a record of another entity."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class DropRelationship(Change):
    """A reference that nobody watches over any more; the field and its values stay."""

    kind: Literal["drop_relationship"] = "drop_relationship"
    field: Name
    name: Name

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that drops the constraint."""
        yield action.RetireConstraint(entity=self.entity, name=self.name, of="reference", field=self.field)

    def inverse(self) -> Change:
        """Return the change that makes the constraint again from its remembered definition."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say which field no longer refers."""
        return f"Drop the reference {self.name} of {self.entity}, which {self.field} follows."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field or reference that is not there."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.constraint_problems(snapshot, self.entity, self.name, "foreign_key")


CHANGE = DropRelationship
