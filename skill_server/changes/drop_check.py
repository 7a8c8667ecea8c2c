"""Take a rule for the values of a field away."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class DropCheck(Change):
    """A rule that no longer holds; values written meanwhile that break it are listed on the way back."""

    kind: Literal["drop_check"] = "drop_check"
    name: Name
    field: Name

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that drops the rule."""
        yield action.RetireConstraint(entity=self.entity, name=self.name, of="check", field=self.field)

    def inverse(self) -> Change:
        """Return the change that makes the rule again from its remembered definition."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say which rule goes."""
        return f"Drop the rule {self.name} of {self.entity}, which {self.field} follows."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field or rule that is not there."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.constraint_problems(snapshot, self.entity, self.name, "check")


CHANGE = DropCheck
