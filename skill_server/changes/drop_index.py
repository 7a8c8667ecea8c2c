"""Drop an index and remember its definition."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class DropIndex(Change):
    """An index that is no longer wanted."""

    kind: Literal["drop_index"] = "drop_index"
    name: Name

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that drops the index."""
        yield action.RetireIndex(entity=self.entity, name=self.name)

    def inverse(self) -> Change:
        """Return the change that rebuilds the index."""
        return changes.construct("restore_index", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say which index goes."""
        return f"Drop the index {self.name} of {self.entity}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield an index that is not there."""
        yield from presence.index_problems(snapshot, self.entity, self.name)


CHANGE = DropIndex
