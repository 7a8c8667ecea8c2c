"""Take away an index that `add_index` built; only a downgrade lists this."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from skill_server import changes
from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Condition, IndexKey, Snapshot


class RemoveIndex(Change):
    """The undoing of `add_index`."""

    undo_only: ClassVar[bool] = True
    kind: Literal["remove_index"] = "remove_index"
    name: Name
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    unique: bool = False
    where: tuple[Condition, ...] = ()
    method: Literal["ordered", "text"] = "ordered"
    ignore_case: bool = False
    expression: str | None = None
    expire_after_s: int | None = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that takes the index away."""
        keys = tuple(
            IndexKey(field=key.removeprefix("-"), descending=key.startswith("-")) for key in self.fields
        )
        yield action.RemoveIndex(**self.model_dump(exclude={"kind", "fields"}), keys=keys)

    def inverse(self) -> Change:
        """Return the change that builds the index."""
        return changes.construct("add_index", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say which index goes."""
        return f"Take the index {self.name} away from {self.entity}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield an index that is not there."""
        yield from presence.index_problems(snapshot, self.entity, self.name)


CHANGE = RemoveIndex
