"""Add a field, with or without a default."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, presence, values
from skill_server.model.base import canonical
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.logical import FieldType
from skill_server.model.snapshot import Snapshot
from skill_server.model.values import PlainValue


class AddField(Change):
    """A new field; with a default, every record that is there gets it."""

    kind: Literal["add_field"] = "add_field"
    field: Name
    type: FieldType
    nullable: bool = True
    default: PlainValue = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that adds the field."""
        yield action.AddField(**self.model_dump(exclude={"kind"}))

    def inverse(self) -> Change:
        """Return the change that takes the field away."""
        return changes.construct("remove_field", **self.model_dump(exclude={"kind"}))

    def describe(self) -> str:
        """Say what is added, and what records that are there get."""
        value = "nothing" if self.default is None else canonical(self.default)
        empty = "" if self.nullable else ", never empty"
        return f"Add the field {self.field} ({self.type}{empty}) to {self.entity}; records that are there get {value}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a taken name, a missing default, and a default that the type cannot hold."""
        yield from presence.taken_problems(snapshot, self.entity, self.field)
        if not self.nullable and self.default is None:
            yield presence.problem(
                "default-required",
                snapshot,
                f"{self.field} may not be empty, but the records of {self.entity} that are there would have no value",
                "Give a default, or let the field be empty.",
                name=self.field,
            )
        if reason := values.misfit(self.default, self.type):
            yield presence.problem(
                "default-does-not-fit",
                snapshot,
                f"the default of {self.field} is no {self.type}: {reason[:200]}",
                f"Write a default that {self.type} holds exactly.",
                name=self.field,
            )

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the field."""
        return (self.field,)


CHANGE = AddField
