"""Run statements that the author wrote, for both databases and in both directions."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skill_server.model import action, presence
from skill_server.model.base import JsonObject
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot

_Statements = Annotated[tuple[Annotated[str, Field(max_length=64 * 1024)], ...], Field(max_length=100)]
_Commands = Annotated[tuple[JsonObject, ...], Field(max_length=100)]


class Raw(Change):
    """What no other change says; all four parts are given, an empty list where there is nothing to do.

    `entities` are those that the statements change besides `entity`.
    """

    kind: Literal["raw"] = "raw"
    postgres: _Statements
    mongodb: _Commands
    undo_postgres: _Statements
    undo_mongodb: _Commands
    entities: Annotated[tuple[Name, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.postgres or self.mongodb):
            raise ValueError("at least one database has something to do")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that runs the statements."""
        yield action.RunRaw(**self.model_dump(exclude={"kind"}))

    def inverse(self) -> "Raw":
        """Return the same with both directions exchanged."""
        return self.model_copy(
            update={
                "postgres": self.undo_postgres,
                "mongodb": self.undo_mongodb,
                "undo_postgres": self.postgres,
                "undo_mongodb": self.mongodb,
            }
        )

    def describe(self) -> str:
        """Say how much is run, and on what."""
        about = ", ".join(dict.fromkeys((self.entity, *self.entities)))
        return (
            f"Run {len(self.postgres)} statements of the author's own on PostgreSQL and {len(self.mongodb)} on "
            f"MongoDB, which change {about}."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield entities that are not there."""
        for name in dict.fromkeys((self.entity, *self.entities)):
            yield from presence.entity_problems(snapshot, name)


CHANGE = Raw
