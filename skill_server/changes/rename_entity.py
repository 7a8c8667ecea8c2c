"""Give an entity another name; its records stay."""

from collections.abc import Iterator
from typing import Literal

from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class RenameEntity(Change):
    """The same entity under another name, which both databases then use."""

    kind: Literal["rename_entity"] = "rename_entity"
    to: Name

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that renames the entity."""
        yield action.RenameEntity(entity=self.entity, to=self.to)

    def inverse(self) -> "RenameEntity":
        """Return the rename back."""
        return RenameEntity(entity=self.to, to=self.entity)

    def describe(self) -> str:
        """Say both names."""
        return f"Rename the entity {self.entity} to {self.to}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield an entity that is not there, and a name that is taken."""
        yield from presence.entity_problems(snapshot, self.entity)
        yield from presence.entity_taken_problems(snapshot, self.to)

    def new_names(self) -> tuple[str, ...]:
        """Return the name that the entity gets."""
        return (self.to,)

    def retired_names(self) -> frozenset[str]:
        """Return the name that the entity had."""
        return frozenset({self.entity})


CHANGE = RenameEntity
