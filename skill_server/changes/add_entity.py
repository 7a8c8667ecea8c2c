"""Make a new entity, with its fields and its key."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from skill_server import changes
from skill_server.model import action, fitness, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.logical import Kind
from skill_server.model.snapshot import Snapshot

_NUMBERED = frozenset({Kind.INTEGER, Kind.BIG_INTEGER})


class AddEntity(Change):
    """A new entity without records; each field is `{name, type, nullable, default, identity}`."""

    kind: Literal["add_entity"] = "add_entity"
    fields: Annotated[tuple[action.FieldSpec, ...], Field(min_length=1, max_length=500)]
    key: Annotated[tuple[Name, ...], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _parts_fit(self) -> "AddEntity":
        action.AddEntity(entity=self.entity, fields=self.fields, key=self.key)
        for field in self.fields:
            if field.identity and (field.type.kind not in _NUMBERED or field.default is not None):
                raise ValueError("only a whole number without a default can be an identity")
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that makes the entity."""
        yield action.AddEntity(entity=self.entity, fields=self.fields, key=self.key)

    def inverse(self) -> Change:
        """Return the change that takes the entity away, keeping its records aside."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say all fields and the key."""
        fields = ", ".join(f"{field.name} ({field.type})" for field in self.fields)
        return f"Add the entity {self.entity} with {fields}, identified by {', '.join(self.key)}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a taken name, and defaults that their types cannot hold."""
        yield from presence.entity_taken_problems(snapshot, self.entity)
        for field in self.fields:
            yield from fitness.default_problems(snapshot, field.name, field.type, field.default)

    def new_names(self) -> tuple[str, ...]:
        """Return the names of the entity and of its fields."""
        return (self.entity, *(field.name for field in self.fields))


CHANGE = AddEntity
