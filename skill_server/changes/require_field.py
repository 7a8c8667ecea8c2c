"""Let a field never be empty any more, giving empty ones a value first where one is given."""

from collections.abc import Iterator
from typing import Literal

from skill_server import changes
from skill_server.model import action, fitness, formula, presence
from skill_server.model.base import canonical
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.flow import Assignment
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot
from skill_server.model.values import PlainValue


class RequireField(Change):
    """A field that every record has; without `fill`, records without a value are listed and nothing runs."""

    kind: Literal["require_field"] = "require_field"
    field: Name
    fill: PlainValue = None

    def expand(self) -> Iterator[action.Action]:
        """Yield the filling of empty fields, if any, and the rule."""
        if self.fill is not None:
            # As an update it keeps who was empty, so that the downgrade makes the same records empty again.
            yield action.UpdateValues(
                entity=self.entity,
                forward=Assignment(
                    writes=(self.field,),
                    reads=(self.field,),
                    formula=formula.filling(self.field, self.fill),
                ),
                fill=self.fill,
            )
        yield action.SetNullable(
            entity=self.entity, field=self.field, nullable=False, with_update=self.fill is not None
        )

    def inverse(self) -> Change:
        """Return the change that lets the field be empty again."""
        if self.fill is not None:
            return changes.undoing(self)
        return changes.construct("allow_null", entity=self.entity, field=self.field)

    def finalize(self) -> Iterator[action.Action]:
        """Yield the deletion of what was kept of the records that were empty."""
        if self.fill is not None:
            yield action.PurgeValues(entity=self.entity, fields=(self.field,))

    def describe(self) -> str:
        """Say what becomes of empty fields."""
        empty = (
            "records without a value are listed first"
            if self.fill is None
            else f"records without a value get {canonical(self.fill)}"
        )
        return f"Require {self.field} of {self.entity}; {empty}."

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield a field that is not there, and a fill that its type cannot hold."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        known = fitness.declared_type_of(snapshot, self.entity, self.field)
        yield from fitness.default_problems(snapshot, self.field, known, self.fill)


CHANGE = RequireField
