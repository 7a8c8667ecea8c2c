"""Take an entity out of sight; `finalize_migration` deletes it later."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.snapshot import Snapshot


class DropEntity(Change):
    """An entity that nobody sees any more; its records, indexes and constraints come back with a downgrade."""

    kind: Literal["drop_entity"] = "drop_entity"

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that hides the entity."""
        yield action.RetireEntity(entity=self.entity)

    def inverse(self) -> Change:
        """Return the change that brings the entity back."""
        return changes.undoing(self)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the kept records."""
        yield action.PurgeEntity(entity=self.entity)

    def describe(self) -> str:
        """Say what goes out of sight, and that it is kept."""
        return f"Drop the entity {self.entity}; its records are kept until the migration is finalized."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield an entity that is not there."""
        yield from presence.entity_problems(snapshot, self.entity)

    def retired_names(self) -> frozenset[str]:
        """Return the name of the entity."""
        return frozenset({self.entity})


CHANGE = DropEntity
