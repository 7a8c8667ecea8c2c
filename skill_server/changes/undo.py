"""Take back a change that only its stored plan can undo; only a downgrade lists this."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from skill_server import changes
from skill_server.errors import Invalid
from skill_server.model import action
from skill_server.model.base import JsonObject
from skill_server.model.change import Change


class Undo(Change):
    """The undoing of `change`, which is written as its `kind` and arguments."""

    undo_only: ClassVar[bool] = True
    kind: Literal["undo"] = "undo"
    change: JsonObject

    @model_validator(mode="after")
    def _change_is_one(self) -> Self:
        try:
            undone = self.inverse()
        except Invalid as error:
            raise ValueError(error.message) from None
        if undone.undo_only or undone.entity != self.entity:
            raise ValueError("undo names a change of an upgrade, and its entity first")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the inverses of the change's actions, last one first."""
        for each in reversed(list(self.inverse().expand())):
            undoing = action.inverse(each)
            if undoing is not None:
                yield undoing

    def inverse(self) -> Change:
        """Return the change itself."""
        arguments = dict(self.change)
        return changes.construct(str(arguments.pop("kind", "")), **arguments)

    def describe(self) -> str:
        """Say what is undone."""
        return f"Undo this change of {self.entity}: {self.inverse().describe()}"


CHANGE = Undo
