"""Take the default of a field away; records that are there keep their values."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class DropDefault(Change):
    """A field that new records have to give themselves."""

    kind: Literal["drop_default"] = "drop_default"
    field: Name

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that takes the default away."""
        yield action.SetDefault(entity=self.entity, field=self.field, default=None)

    def inverse(self) -> Change:
        """Return the change that brings the default back."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say which default goes."""
        return f"Take the default of {self.field} of {self.entity} away; records keep their values."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there, or that has no default where the database keeps defaults."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        entity = snapshot.entity(self.entity)
        field = entity.field(self.field) if entity else None
        if snapshot.declares_fields and field is not None and field.default is None:
            yield presence.problem(
                "default-unknown",
                snapshot,
                f"{self.field} of {self.entity} has no default",
                "Leave this change out.",
                name=self.field,
            )


CHANGE = DropDefault
