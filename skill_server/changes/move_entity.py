"""Move an entity to another schema of PostgreSQL; MongoDB has nothing of the kind."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from skill_server.model import action, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class MoveEntity(Change):
    """The same entity in another schema; both schemas are named, because nobody should have to guess the way back."""

    kind: Literal["move_entity"] = "move_entity"
    to: Name
    was: Name = "public"

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.to == self.was:
            raise ValueError("the entity would stay where it is")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that moves the entity."""
        yield action.MoveEntity(entity=self.entity, was=self.was, to=self.to)

    def inverse(self) -> "MoveEntity":
        """Return the move back."""
        return MoveEntity(entity=self.entity, to=self.was, was=self.to)

    def describe(self) -> str:
        """Say both schemas."""
        return f"Move the entity {self.entity} from the schema {self.was} to {self.to}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield an entity that is not there."""
        yield from presence.entity_problems(snapshot, self.entity)


CHANGE = MoveEntity
