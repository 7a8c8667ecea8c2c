"""Rebuild an index that `drop_index` dropped; only a downgrade lists this."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name, NativeNames
from skill_server.model.snapshot import Snapshot


class RestoreIndex(Change):
    """The undoing of `drop_index`."""

    undo_only: ClassVar[bool] = True
    kind: Literal["restore_index"] = "restore_index"
    name: Name
    names: NativeNames = {}

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that rebuilds the index."""
        yield action.RestoreIndex(entity=self.entity, name=self.name, names=self.names)

    def inverse(self) -> Change:
        """Return the change that drops the index."""
        return changes.construct("drop_index", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say which index comes back."""
        return f"Rebuild the index {self.name} of {self.entity} as it was."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield an index that is there."""
        yield from presence.index_taken_problems(
            snapshot, self.entity, self.names.get(snapshot.backend, self.name)
        )


CHANGE = RestoreIndex
