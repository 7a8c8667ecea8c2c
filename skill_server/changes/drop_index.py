"""Drop an index and remember its definition."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name, NativeNames
from skill_server.model.snapshot import Snapshot


class DropIndex(Change):
    """An index that is no longer wanted; `names` says what a database calls it where that is not `name`."""

    kind: Literal["drop_index"] = "drop_index"
    name: Name
    names: NativeNames = {}

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that drops the index."""
        yield action.RetireIndex(entity=self.entity, name=self.name, names=self.names)

    def inverse(self) -> Change:
        """Return the change that rebuilds the index."""
        return changes.construct("restore_index", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say which index goes."""
        return f"Drop the index {self.name} of {self.entity}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield an index that is not there."""
        yield from presence.index_problems(snapshot, self.entity, self.names.get(snapshot.backend, self.name))


CHANGE = DropIndex
