"""Give a field another name; its values, type and place stay."""

from collections.abc import Iterator
from typing import Literal

from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class RenameField(Change):
    """The same field under another name."""

    kind: Literal["rename_field"] = "rename_field"
    field: Name
    to: Name

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that renames the field."""
        yield action.RenameField(entity=self.entity, field=self.field, to=self.to)

    def inverse(self) -> "RenameField":
        """Return the rename back."""
        return RenameField(entity=self.entity, field=self.to, to=self.field)

    def describe(self) -> str:
        """Say both names."""
        return f"Rename the field {self.field} of {self.entity} to {self.to}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there, a name that is taken, and the key of MongoDB's records."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        if snapshot.entity(self.entity) is not None:
            yield from presence.taken_problems(snapshot, self.entity, self.to)
        if self.field == "_id":
            yield from presence.key_problems(snapshot, self.entity, self.field)

    def new_names(self) -> tuple[str, ...]:
        """Return the name that the field gets."""
        return (self.to,)

    def retired_names(self) -> frozenset[str]:
        """Return the name that the field had."""
        return frozenset({self.field})


CHANGE = RenameField
