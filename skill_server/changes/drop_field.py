"""Take a field out of sight; `finalize_migration` deletes it later."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, fitness, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot
from skill_server.model.values import PlainValue


class DropField(Change):
    """A field that nobody sees any more; `fill` is what records written meanwhile get should it come back."""

    kind: Literal["drop_field"] = "drop_field"
    field: Name
    fill: PlainValue = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the one action that hides the field."""
        # Retiring keeps every value, so its inverse gives the same bytes back without a restore.
        yield action.RetireField(entity=self.entity, field=self.field, fill=self.fill)

    def inverse(self) -> Change:
        """Return the change that brings the field back."""
        return changes.construct("restore_field", **self.model_dump(exclude={"kind"}))

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of the kept values."""
        yield action.PurgeField(entity=self.entity, field=self.field)

    def describe(self) -> str:
        """Say what goes out of sight, and that it is kept."""
        return f"Drop the field {self.field} of {self.entity}; its values are kept until the migration is finalized."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there or identifies records, and a `fill` that its type cannot hold."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.key_problems(snapshot, self.entity, self.field)
        known = fitness.declared_type_of(snapshot, self.entity, self.field)
        yield from fitness.default_problems(snapshot, self.field, known, self.fill)

    def retired_names(self) -> frozenset[str]:
        """Return the name of the field."""
        return frozenset({self.field})


CHANGE = DropField
