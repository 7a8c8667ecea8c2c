"""Put another reference in place of one: another rule for deletions, or another entity."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from skill_server import changes
from skill_server.model import action, fitness, presence
from skill_server.model.change import Change
from skill_server.model.finding import Finding
from skill_server.model.ids import Name
from skill_server.model.snapshot import Snapshot


class ChangeRelationship(Change):
    """The reference `name` gives way to the reference `to_name`, so that at no moment nobody watches."""

    kind: Literal["change_relationship"] = "change_relationship"
    field: Name
    name: Name
    to_name: Name
    references: Name
    references_field: Name
    on_delete: action.OnDelete = "no action"

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if self.name == self.to_name:
            raise ValueError(
                "the new reference has another name than the old one, because both exist for a while"
            )
        return self

    def expand(self) -> Iterator[action.Action]:
        """Yield the new constraint, and the end of the old one."""
        yield action.AddConstraint(
            entity=self.entity,
            name=self.to_name,
            spec=action.ReferenceSpec(
                field=self.field,
                references=self.references,
                references_field=self.references_field,
                on_delete=self.on_delete,
            ),
        )
        yield action.RetireConstraint(entity=self.entity, name=self.name, of="reference", field=self.field)

    def inverse(self) -> Change:
        """Return the change that brings the old reference back."""
        return changes.undoing(self)

    def describe(self) -> str:
        """Say both names and the new rule."""
        return (
            f"Replace the reference {self.name} of {self.entity} by {self.to_name}: {self.field} refers to "
            f"{self.references_field} of {self.references} (on delete: {self.on_delete})."
        )

    def problems(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield missing parts, types that differ, a rule that could not act, and a name that is taken."""
        yield from presence.field_problems(snapshot, self.entity, self.field)
        yield from presence.constraint_problems(snapshot, self.entity, self.name, "foreign_key")
        yield from fitness.reference_problems(
            snapshot, self.entity, self.field, self.references, self.references_field
        )
        yield from fitness.deletion_problems(snapshot, self.entity, self.field, self.on_delete)
        yield from presence.constraint_taken_problems(snapshot, self.entity, self.to_name)

    def new_names(self) -> tuple[str, ...]:
        """Return the name of the new constraint."""
        return (self.to_name,)


CHANGE = ChangeRelationship
