"""Give new records a default; records that are there keep their values."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, fitness, presence
from skill_server.model.base import canonical
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot
from skill_server.model.values import PlainValue


class SetDefault(Change):
    """A default for records that do not give the field; `drop_default` takes one away."""

    kind: Literal["set_default"] = "set_default"
    field: Name
    default: PlainValue

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that sets the default."""
        yield action.SetDefault(entity=self.entity, field=self.field, default=self.default)

    def inverse(self) -> Change:
        """Return the change that brings the old default back, or none where there was none."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say what new records get."""
        shown = canonical(self.default)
        return f"Give {self.field} of new records of {self.entity} the default {shown}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there, and a default that is nothing or that its type cannot hold."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        if self.default is None:
            yield presence.problem(
                "default-required",
                snapshot,
                f"no default is given for {self.field}",
                "Give a default, or ask for drop_default.",
                name=self.field,
            )
        known = fitness.declared_type_of(snapshot, self.entity, self.field)
        yield from fitness.default_problems(snapshot, self.field, known, self.default)


CHANGE = SetDefault
